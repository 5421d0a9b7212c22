import type { ScriptRun } from '../hosts/access.ts';

/**
 * What SSM Agent (3.3) makes of how a script ended, as it was seen and as its source has it.
 * https://github.com/aws/amazon-ssm-agent/blob/3.3.987.0/agent/framework/runpluginutil/run.go
 */

/** The agent hands on so many bytes of each output, and of both in one text for a list. */
const MAX_STDOUT_BYTES = 24_000;
const MAX_STDERR_BYTES = 8_000;
const MAX_OUTPUT_BYTES = 2_500;
const SUFFIX = '--output truncated--';
/** What it reports for a script that it has killed; a script that ends so by itself is taken for one. */
export const KILLED = 137;
/** A script asks the agent to reboot the host, and to run it again after that. */
export const REBOOT = 194;
const SKIP = 'Further document steps will be skipped.';

/** How a command has ended, in SSM's words. */
export interface InvocationEnd {
  Status: 'Success' | 'Failed' | 'TimedOut' | 'Cancelled';
  StatusDetails: string;
  ResponseCode: number;
  StandardOutputContent: string;
  StandardErrorContent: string;
  /** What only ListCommandInvocations tells. */
  output: string;
}

/** The end of a script that was run to its end, or killed. */
export function endOf({ exitCode, stdout, stderr }: ScriptRun): InvocationEnd {
  switch (exitCode) {
    case null:
    case KILLED:
      return killed('TimedOut', 'Execution Timed Out', stderr);
    case 0:
      return end('Success', 0, stdout, stderr);
    case 168:
      return end(
        'Success',
        exitCode,
        `${stdout}\nStep exited with code 168. Therefore, marking step as succeeded. ${SKIP}`,
      );
    case 169: {
      const note = `\nStep exited with code 169. Therefore, marking step as Failed. ${SKIP}`;
      return end('Failed', exitCode, `${stdout}${note}`, `${stderr}${note}`);
    }
    default:
      return end('Failed', exitCode, stdout, `${stderr}failed to run commands: exit status ${exitCode}`);
  }
}

/** Without standard output: SSM gives it for a command that succeeded or failed, and for no other. */
export function killed(Status: 'TimedOut' | 'Cancelled', StatusDetails: string, stderr: string): InvocationEnd {
  return { ...end('Failed', KILLED, '', stderr), Status, StatusDetails };
}

/** A signal that was none of the agent's has ended it, where the host's sh is bash; where it is dash, the agent sees 137. */
export function endedBySignal({ stdout, stderr }: ScriptRun): InvocationEnd {
  return end('Failed', -1, stdout, `${stderr}failed to run commands: signal: killed`);
}

/** The agent does not know how the script ended, or cannot store it: its reason is in the list's output alone. */
export function lost(output: string): InvocationEnd {
  return { ...end('Failed', 1, '', ''), output };
}

export const WORKER_GONE =
  'document process failed unexpectedly: ipc messaging received timeout signal , check [ssm-document-worker]/[ssm-session-worker] log for crash reason';
export const DISK_FULL =
  'document process failed unexpectedly: write /var/lib/amazon/ssm/channels: no space left on device , check [ssm-document-worker]/[ssm-session-worker] log for crash reason';

function end(Status: 'Success' | 'Failed', ResponseCode: number, stdout: string, stderr = ''): InvocationEnd {
  return {
    Status,
    StatusDetails: Status,
    ResponseCode,
    StandardOutputContent: cut(stdout, MAX_STDOUT_BYTES),
    StandardErrorContent: cut(stderr, MAX_STDERR_BYTES),
    output: together(stdout, stderr),
  };
}

/** Bytes: a character may be cut in two. */
function cut(text: string, maxBytes: number, suffix = SUFFIX): string {
  const bytes = Buffer.from(text);
  return bytes.length < maxBytes ? text : `${bytes.subarray(0, maxBytes - suffix.length)}${suffix}`;
}

function together(stdout: string, stderr: string): string {
  const title = stderr === '' ? '' : '\n----------ERROR-------\n';
  const room = MAX_OUTPUT_BYTES - title.length;
  if (Buffer.byteLength(stdout + stderr) < room) return `${stdout}${title}${stderr}`;
  const each = stdout === '' || stderr === '' ? room : Math.floor(room / 2);
  return `${cut(stdout, each, '\n---Output truncated---')}${title}${cut(stderr, each, '\n---Error truncated----')}`;
}
