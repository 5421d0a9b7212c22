/** systemd's SubState. */
export type State = 'dead' | 'start' | 'running' | 'stop-sigterm' | 'stop-sigkill' | 'auto-restart' | 'failed';

/** systemd's ActiveState, by its SubState. */
export const ACTIVE_STATES = {
  dead: 'inactive',
  start: 'activating',
  running: 'active',
  'stop-sigterm': 'deactivating',
  'stop-sigkill': 'deactivating',
  'auto-restart': 'activating',
  failed: 'failed',
} as const satisfies Record<State, string>;
