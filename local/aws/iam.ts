import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { AwsError } from './aws-error.ts';
import { type Context, isAllowed, type Permission, type Statement } from './policy.ts';
import { parseRequest } from './ssm-requests.ts';

/** The answer to one operation, or a promise of it. Receives the request's JSON, and who has sent it; throws {@link AwsError} to refuse. */
export type Operation = (request: Record<string, unknown>, caller?: Caller) => unknown;

/** A synthesized role, as far as functions have it or assume it. */
export interface Role {
  arn: string;
  /** Who may assume it. */
  trust: readonly Statement[];
  /** What it may do. */
  statements: readonly Statement[];
}

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** Who has sent a request. */
export interface Caller extends Credentials {
  /** None is the process that runs this platform, and may do everything. */
  role?: Role;
  /** Of the session of a role. */
  sessionName: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

const HERE = '000000000000';

const assumeRoleSchema = z.strictObject({
  RoleArn: z.string(),
  RoleSessionName: z.string().regex(/^[\w+=,.@-]{2,64}$/),
  // Functions have a role's credentials themselves, so an hour is the most that they get.
  DurationSeconds: z.coerce.number().int().min(900).max(3_600).default(3_600),
});

/**
 * What the embedded platform knows of IAM and STS: the roles of the synthesized stacks, who has which, and what each may do. Each function has
 * credentials of its own, with which it can do what its role lets it and no more; so has each session of a cluster's role.
 */
export class Iam {
  readonly #roles: readonly Role[];
  readonly #callers = new Map<string, Caller>();

  /** @param owner the process that runs this platform */
  constructor(roles: readonly Role[], owner: Credentials) {
    this.#roles = roles;
    this.#callers.set(owner.accessKeyId, { ...owner, sessionName: '', expiresAt: Number.POSITIVE_INFINITY });
  }

  /** The credentials of a function, which has this role for as long as the platform runs. @throws Error where there is no such role */
  credentialsOf(roleArn: string, functionName: string): Credentials {
    const { accessKeyId, secretAccessKey } = this.#add(this.#role(roleArn), functionName, Number.POSITIVE_INFINITY);
    return { accessKeyId, secretAccessKey };
  }

  /** @throws AwsError where these are nobody's credentials, or those of a session that is over */
  callerOf(accessKeyId: string, sessionToken?: string): Caller {
    const caller = this.#callers.get(accessKeyId);
    if (!caller || (caller.role && caller.sessionToken !== sessionToken)) {
      throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
    }
    if (caller.expiresAt < Date.now()) {
      throw new AwsError('ExpiredTokenException', 'The security token included in the request is expired');
    }
    return caller;
  }

  /** @throws AwsError `AccessDeniedException` */
  require(caller: Caller, ...permissions: readonly Permission[]): void {
    const refused = permissions.find((each) => !this.may(caller, each));
    if (!refused) return;
    throw new AwsError(
      'AccessDeniedException',
      `User: ${userArn(caller)} is not authorized to perform: ${refused.action} on resource: ${refused.resource} because no identity-based policy ` +
        `allows the ${refused.action} action`,
    );
  }

  may({ role, sessionName }: Caller, permission: Permission, context: Context = {}): boolean {
    if (!role) return true;
    return isAllowed(role.statements, permission, { ...contextOf(role, sessionName), ...context });
  }

  /** @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
  readonly sts: Record<string, Operation> = {
    'sts.AssumeRole': (request, caller) => {
      const { RoleArn, RoleSessionName, DurationSeconds } = parseRequest(assumeRoleSchema, request);
      const { accessKeyId, secretAccessKey, sessionToken, expiresAt } = this.assume(
        caller,
        RoleArn,
        RoleSessionName,
        DurationSeconds,
      );
      return {
        AccessKeyId: accessKeyId,
        SecretAccessKey: secretAccessKey,
        SessionToken: sessionToken,
        Expiration: new Date(expiresAt).toISOString(),
      };
    },
  };

  /** A session of a role: the caller's own policies have to allow it, and the role has to trust the caller. @throws AwsError `AccessDenied` */
  assume(caller: Caller | undefined, roleArn: string, sessionName: string, seconds = 3_600): Caller {
    const action = 'sts:AssumeRole';
    const role = this.#roles.find(({ arn }) => arn === roleArn);
    const trusting = (role?.trust ?? []).filter(({ Principal }) => isForCallers(Principal));
    const context = { 'sts:RoleSessionName': sessionName, 'aws:PrincipalArn': caller?.role?.arn ?? '' };
    if (
      !caller ||
      !role ||
      !this.may(caller, { action, resource: roleArn }) ||
      !isAllowed(trusting, { action }, context)
    ) {
      throw new AwsError(
        'AccessDenied',
        `User: ${caller ? userArn(caller) : 'nobody'} is not authorized to perform: ${action} on resource: ${roleArn}`,
      );
    }
    return this.#add(role, sessionName, Date.now() + seconds * 1000, randomUUID());
  }

  #role(roleArn: string): Role {
    const role = this.#roles.find(({ arn }) => arn === roleArn);
    if (!role) throw new Error(`There is no role ${roleArn}.`);
    return role;
  }

  #add(role: Role, sessionName: string, expiresAt: number, sessionToken?: string): Caller {
    const accessKeyId = `ASIA${randomUUID().replaceAll('-', '').toUpperCase()}`;
    const keys = { accessKeyId, secretAccessKey: randomUUID(), ...(sessionToken && { sessionToken }) };
    const caller = { ...keys, role, sessionName, expiresAt };
    this.#callers.set(accessKeyId, caller);
    return caller;
  }
}

function contextOf({ arn }: Role, sessionName: string): Context {
  return { 'aws:userid': `AROA${arn.split('/').at(-1)}:${sessionName}`, 'aws:PrincipalArn': arn };
}

function userArn({ role, sessionName }: Caller): string {
  return role
    ? `arn:aws:sts::${HERE}:assumed-role/${role.arn.split('/').at(-1)}/${sessionName}`
    : `arn:aws:iam::${HERE}:root`;
}

/**
 * Whether a trust is in this account, which leaves it to the account's own policies, and to the conditions, whom of it that is. Trust in a service is
 * for nobody who calls. @throws Error for any other, which may let in more than is looked at here
 */
function isForCallers(principal: Statement['Principal'] = {}): boolean {
  const [[kind, who] = [], ...others] = Object.entries(principal);
  if (others.length === 0 && kind === 'AWS' && (who === HERE || who === `arn:aws:iam::${HERE}:root`)) return true;
  if (others.length === 0 && kind === 'Service') return false;
  throw new Error(`The embedded platform does not know trust in ${JSON.stringify(principal)}.`);
}
