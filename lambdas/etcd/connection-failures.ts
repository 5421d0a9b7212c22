import { EtcdUnavailable, PreconditionFailed } from '../../core/errors.ts';
import type { Row } from './meaning.ts';

/** What grpc-js, Node and OpenSSL say of the way to a member, the more specific first. */
export const CONNECTION_FAILURES: readonly Row[] = [
  {
    reason: 'NameUnknown',
    details: /Name resolution failed/,
    error: EtcdUnavailable,
    advice:
      'The host name in clientUrl is not known to DNS here, which proves nothing of the member: correct clientUrl, or the name server that is asked here.',
  },
  {
    reason: 'WrongScheme',
    details: /wrong version number|packet length too long|http request/i,
    error: PreconditionFailed,
    advice: "What listens here does not speak TLS, and clientUrl says https: write the member's own scheme.",
  },
  {
    reason: 'NotEtcd',
    details: /alert no application protocol/,
    error: PreconditionFailed,
    advice:
      "What answers here speaks TLS and no HTTP/2, so it is not etcd: clientUrl must be etcd's own client port, with no proxy in between.",
  },
  {
    reason: 'Tls',
    details: /certificate has expired/i,
    error: PreconditionFailed,
    advice:
      "The member's server certificate has expired, or a CA above it, or the clock is wrong here. Renew it in the member's files (--cert-file): " +
      'etcd takes it without a restart.',
  },
  {
    reason: 'Tls',
    details: /alert certificate expired/i,
    error: PreconditionFailed,
    advice:
      'The member does not take the client certificate: it has expired, or the clock of the member is wrong. Renew it in the tls secret of the cluster.',
  },
  {
    reason: 'Tls',
    details: /certificate is not yet valid/i,
    error: PreconditionFailed,
    advice: "The member's server certificate is not valid yet: compare the clocks, here and where it was issued.",
  },
  {
    reason: 'Tls',
    details: /not in the cert's|does not match certificate's altnames/i,
    error: PreconditionFailed,
    advice:
      "The member's server certificate is not for the host that clientUrl names. Issue one that names it too (its subject alternative names), or write a host in clientUrl that it names.",
  },
  {
    reason: 'Tls',
    details: /certificate|SSL routines/i,
    error: PreconditionFailed,
    advice:
      "TLS was not agreed on: compare the cluster's tls secret (ca, and cert and key where etcd asks for a client certificate) and clientUrl's host with the member's certificate.",
  },
  {
    reason: 'NoRoute',
    details: /ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM|EMFILE/,
    error: EtcdUnavailable,
    advice:
      'No connection can be opened from here, which proves nothing about the member. Look at the routes and the firewall here.',
  },
  {
    reason: 'Refused',
    details: /ECONNREFUSED|EHOSTUNREACH/,
    error: EtcdUnavailable,
    advice: 'Nothing listens at this address: the member is down, or clientUrl names the wrong host or port.',
  },
  {
    reason: 'ConnectionLost',
    details: /Connection dropped|ECONNRESET|No connection established/,
    error: EtcdUnavailable,
    advice:
      "The connection was accepted and cut, which proves nothing about the member. clientUrl's scheme (http, https) is not the member's, a proxy is in between, or the member is just stopping.",
  },
  {
    reason: 'ConnectTimeout',
    details: /Deadline exceeded.*Waiting for LB pick/,
    error: EtcdUnavailable,
    advice:
      'No connection was made in time: a security group or firewall drops the packets, the machine or the member is frozen, or etcd is starting and waits for its peers.',
  },
  {
    reason: 'Proxy',
    details: /Received HTTP status code (429|502|503|504)/,
    error: EtcdUnavailable,
    advice: "A proxy answers here instead of etcd: clientUrl must be etcd's own client port, with no proxy in between.",
  },
];
