import type { PeerCertificate as ShownCertificate, TLSSocket } from 'node:tls';
import { AGENCY_MAX } from '../lottery/bet-rules.ts';
import type { Refusal } from '../wire/refusal.ts';

/** The agency of a peer's certificate, or why it is not accepted. */
export type PeerCertificate = { readonly agency: number } | { readonly refusal: Refusal };

/** Why a certificate is not accepted, by OpenSSL's codes. */
const REASONS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  CERT_REVOKED: 'the certificate is revoked',
  INVALID_PURPOSE: 'the certificate is not one for clients',
  CERT_SIGNATURE_FAILURE: 'the signature of the certificate is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is not signed by the authority of TLS_CLIENT_CA',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is not signed by the authority of TLS_CLIENT_CA',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate is not signed by the authority of TLS_CLIENT_CA',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the certificate is not signed by the authority of TLS_CLIENT_CA',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the certificate is not signed by the authority of TLS_CLIENT_CA',
};

const AGENCY_NAME = /^agency-([1-9]\d{0,4})$/;

/** Verifies the certificate of a peer whose handshake is done. */
export function judgeCertificate(socket: TLSSocket): PeerCertificate {
  const shown = socket.getPeerCertificate();
  if (Object.keys(shown).length === 0) return refused('no certificate was shown');
  if (!socket.authorized) {
    const code = String(socket.authorizationError);
    return refused(REASONS[code] ?? `the certificate is not accepted, ${code}`);
  }
  const agency = agencyOf(shown);
  if (agency === undefined)
    return refused('the certificate names no agency, CN=agency-N is expected');
  return { agency };
}

/** The agency that the subject names; several names are none. */
function agencyOf({ subject }: ShownCertificate): number | undefined {
  // A subject with several common names has them as an array, whatever the type says.
  const name: unknown = subject.CN;
  const [, digits] = (typeof name === 'string' && AGENCY_NAME.exec(name)) || [];
  const agency = Number(digits);
  return agency <= AGENCY_MAX ? agency : undefined;
}

function refused(detail: string): PeerCertificate {
  return { refusal: { code: 'unauthorized', detail } };
}
