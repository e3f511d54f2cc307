import { wordsFor } from '../files/system-error.ts';
import { LinkError } from './errors.ts';

const UNTRUSTED = "the server's certificate cannot be trusted, ";
const NOT_SIGNED = `${UNTRUSTED}it is not signed by the authority of tls.ca`;
const NO_TLS = 'tls.ca is set, and the server speaks no TLS on this port';
const TOO_OLD = 'the server speaks no TLS from 1.2 on';

/** Why the server is not trusted, by the codes of TLS errors. */
const TRUST: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: `${UNTRUSTED}it has expired`,
  CERT_NOT_YET_VALID: `${UNTRUSTED}it is not valid yet`,
  CERT_SIGNATURE_FAILURE: `${UNTRUSTED}its signature is wrong`,
  INVALID_PURPOSE: `${UNTRUSTED}it is not one for servers`,
  ERR_TLS_CERT_ALTNAME_INVALID: `${UNTRUSTED}it does not name the host of server.address`,
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_SIGNED,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT: NOT_SIGNED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_SIGNED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_SIGNED,
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: TOO_OLD,
  ERR_SSL_UNSUPPORTED_PROTOCOL: TOO_OLD,
};

/** TLS alerts by which a server refuses the certificate of an agency, or its absence. */
const REFUSED =
  /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3)_ALERT_(BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/;

/**
 * The error of a socket in words. All are worth a retry, even a wrong certificate: it can be
 * replaced without a restart of the agency.
 *
 * With TLS 1.3 the server looks at the agency's certificate after the connection is ready for the
 * agency: a refusal can be the error of the first request as well as that of the connection.
 */
export function socketError(error: Error): LinkError {
  const { code = error.message } = error as NodeJS.ErrnoException;
  const [, alert] = REFUSED.exec(code) ?? [];
  if (alert !== undefined) {
    const why = alert.toLowerCase().replaceAll('_', ' ');
    return new LinkError(
      `the server does not accept the certificate of this agency, ${why}`,
      error,
    );
  }
  // Node's message for an end during the handshake: the server was killed, or speaks no TLS.
  const hint = error.message.includes('before secure TLS connection')
    ? ' before the TLS handshake was done; does the server speak TLS on this port?'
    : '';
  return new LinkError(TRUST[code] ?? (wordsFor(code) ?? code) + hint, error);
}
