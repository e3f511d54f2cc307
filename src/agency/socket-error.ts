import { AgencyError, LinkError } from './errors.ts';

/** What TLS finds wrong with the server's certificate. */
const NOT_TRUSTED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  CERT_SIGNATURE_FAILURE: 'its signature is wrong',
  INVALID_PURPOSE: 'it is not one for servers',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is not signed by the authority of tls.ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'it is not signed by the authority of tls.ca',
  UNABLE_TO_GET_ISSUER_CERT: 'it is not signed by the authority of tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'it is not signed by the authority of tls.ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'it is not signed by the authority of tls.ca',
};

/** Last words of TLS by which a server refuses the certificate of an agency, or the lack of one. */
const REFUSED =
  /^ERR_SSL_(?:TLSV1|TLSV13|SSLV3)_ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)$/;

const NO_TLS = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

/**
 * What an error of a socket means. One that may pass is a `LinkError`; a certificate that is wrong will not become right by
 * coming back, which is an `AgencyError`.
 *
 * With TLS 1.3 a refusal of the agency's certificate comes after the connection is ready: it can be the error of the first
 * request, too.
 */
export function socketError(error: Error): LinkError | AgencyError {
  const { code = error.message } = error as NodeJS.ErrnoException;
  const untrusted = NOT_TRUSTED[code];
  if (untrusted !== undefined)
    return new AgencyError(`the server's certificate cannot be trusted, ${untrusted}`, error);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const why = 'it does not name the host of server.address';
    return new AgencyError(`the server's certificate cannot be trusted, ${why}`, error);
  }
  if (REFUSED.test(code)) {
    const why = code
      .replace(/^.*_ALERT_/, '')
      .toLowerCase()
      .replaceAll('_', ' ');
    return new AgencyError(`the server does not accept the certificate of this agency, ${why}`, error);
  }
  if (NO_TLS.has(code))
    return new AgencyError('tls.ca is set, and the server speaks no TLS on this port', error);
  if (code === 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' || code === 'ERR_SSL_UNSUPPORTED_PROTOCOL')
    return new AgencyError('the server speaks no TLS from 1.2 on', error);
  if (/before secure TLS connection/.test(error.message))
    return new LinkError(
      `${code} before the TLS handshake was done; does the server speak TLS on this port?`,
      error,
    );
  return new LinkError(code, error);
}

/** Whether bytes are the beginning of what a TLS server says to somebody who does not speak TLS: an alert record. */
export function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes[0] === 0x15 && bytes[1] === 0x03;
}
