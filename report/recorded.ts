/** As much of an event of GetExecutionHistory as is read here. */
export interface RecordedEvent {
  id?: number | undefined;
  previousEventId?: number | undefined;
  timestamp?: Date | undefined;
  type?: string | undefined;
  stateEnteredEventDetails?: { name?: string | undefined } | undefined;
  stateExitedEventDetails?:
    | { output?: string | undefined; assignedVariables?: Record<string, string> | undefined }
    | undefined;
  taskScheduledEventDetails?: { resource?: string | undefined; parameters?: string | undefined } | undefined;
  taskSubmittedEventDetails?: { resource?: string | undefined; output?: string | undefined } | undefined;
  taskSucceededEventDetails?: { output?: string | undefined } | undefined;
  taskFailedEventDetails?: Failure | undefined;
  taskTimedOutEventDetails?: Failure | undefined;
}

interface Failure {
  error?: string | undefined;
  cause?: string | undefined;
}

/** How an execution has ended. Error and cause are empty where it gave none. */
export type RecordedEnd =
  | { status: 'SUCCEEDED'; output: unknown }
  | { status: 'RUNNING' | 'FAILED' | 'TIMED_OUT' | 'ABORTED'; error: string; cause: string };

/** An execution as Step Functions keeps it. */
export interface RecordedExecution {
  arn: string;
  name: string;
  stateMachineName: string;
  input: unknown;
  startedAt: Date;
  /** Null while it runs. */
  endedAt: Date | null;
  end: RecordedEnd;
  events: readonly RecordedEvent[];
}
