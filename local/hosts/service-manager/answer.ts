/** What a program prints, and how it ends. */
export interface Answer {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export function success(stdout = ''): Answer {
  return { exitCode: 0, stdout, stderr: '' };
}

export function failure(exitCode: number, message: string, stdout = ''): Answer {
  return { exitCode, stdout, stderr: `${message}\n` };
}
