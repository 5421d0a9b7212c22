import * as z from 'zod';

export const PROGRAMS = ['systemctl', 'journalctl'] as const;

/** A command line, as the programs in a host's bin folder send it: one JSON text, ended by closing that side of the connection. */
export const requestSchema = z.strictObject({ program: z.enum(PROGRAMS), args: z.array(z.string()) });
