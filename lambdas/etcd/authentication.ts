import { Connection, type ConnectionOptions, PROBE_KEY } from './connection.ts';
import { changed, hasReason } from './errors.ts';

/** What one member says to logins, tokens and strangers, and how it disables and enables authentication, which is always for the whole cluster. */
export class MemberAuthentication {
  readonly #options: ConnectionOptions;
  readonly #connection: Connection;

  /** @param connection to the same member, logged in */
  constructor(options: ConnectionOptions, connection: Connection) {
    this.#options = options;
    this.#connection = connection;
  }

  /** A token of this member, for use on any member of its cluster; empty without a login, or where none is needed. @param deadline milliseconds since 1970 */
  async issueToken(deadline: number): Promise<string> {
    const { login } = this.#options;
    return login ? this.#connection.issueToken(login, deadline) : '';
  }

  /**
   * Uses this very token for a read and, where `write`, for a deletion of a key that does not exist. That needs the right to write and the
   * agreement of the members, and changes nothing.
   */
  async presentToken(token: string, { write }: { write: boolean }): Promise<void> {
    await this.#as({ token }, async ({ kv }) => {
      await kv.range({ key: Buffer.from(PROBE_KEY), serializable: true });
      if (write) await kv.deleteRange({ key: Buffer.from(PROBE_KEY) });
    });
  }

  /** Whether it lets in a client that has not logged in, and so runs without authentication. */
  async servesAnybody(): Promise<boolean> {
    try {
      await this.#readAs({ login: undefined });
      return true;
    } catch (error) {
      if (hasReason(error, 'LoginRequired', 'PermissionDenied')) return false;
      throw error;
    }
  }

  /** Whether it serves a client that has neither a login nor, where it asks for one, a certificate. */
  async servesStrangers(): Promise<boolean> {
    const { tls } = this.#options;
    if (!tls?.cert) return this.servesAnybody();
    // The certificate's own name may be a user, to whom etcd gives what it gives that user.
    return (await this.#answerWithoutCertificate(tls.ca)) === 'Served';
  }

  /** Of the clients that have no login, as far as this member distinguishes them. For one that answers. */
  async serves(): Promise<'anybody' | 'certificates' | 'nobody'> {
    if (await this.servesStrangers()) return 'anybody';
    return (await this.admitsWithoutCertificate()) ? 'nobody' : 'certificates';
  }

  /** Whether a client without a certificate gets as far as to be asked for its login. */
  async admitsWithoutCertificate(): Promise<boolean> {
    const { tls } = this.#options;
    if (!tls?.cert) return true;
    return (await this.#answerWithoutCertificate(tls.ca)) !== 'Refused';
  }

  /** Asks for what only root may know. Without authentication everyone gets it, or an error that the role does not exist. */
  async askAsRoot(): Promise<void> {
    await this.#connection.auth.roleGet({ role: 'root' });
  }

  /** The roles of a user; null where there is no such user. */
  async rolesOf(user: string): Promise<string[] | null> {
    try {
      return (await this.#connection.auth.userGet({ name: user })).roles;
    } catch (error) {
      if (hasReason(error, 'UserNotFound')) return null;
      throw error;
    }
  }

  /** From here on everybody may read and write everything. @param deadline milliseconds since 1970 */
  async disable(deadline: number): Promise<void> {
    await this.#connection.auth.authDisable({ deadline });
  }

  /**
   * Asks without a login, which there is none while it is disabled: to be asked for one means that it is enabled; and so does to be taken for
   * the user of the client certificate's name.
   */
  async enable(): Promise<void> {
    await this.#as({ login: undefined }, ({ auth }) =>
      changed(auth.authEnable(), 'LoginRequired', 'PermissionDenied', 'UserNotFound'),
    );
  }

  /** `Refused` where it does not even come to a question. */
  async #answerWithoutCertificate(ca: string): Promise<'Served' | 'LoginRequired' | 'Refused'> {
    try {
      await this.#readAs({ tls: { ca }, login: undefined });
      return 'Served';
    } catch (error) {
      return hasReason(error, 'LoginRequired', 'PermissionDenied') ? 'LoginRequired' : 'Refused';
    }
  }

  async #readAs(client: Partial<ConnectionOptions>): Promise<void> {
    await this.#as(client, ({ kv }) => kv.range({ key: Buffer.from(PROBE_KEY), serializable: true }));
  }

  /** Calls on a connection of their own. */
  async #as(client: Partial<ConnectionOptions>, calls: (connection: Connection) => Promise<unknown>): Promise<void> {
    const connection = new Connection({ ...this.#options, ...client });
    try {
      await calls(connection);
    } finally {
      connection.close();
    }
  }
}
