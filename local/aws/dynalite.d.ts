declare module 'dynalite' {
  import type { Server } from 'node:http';
  /** DynamoDB in memory, as an HTTP server that does not listen yet. */
  export default function dynalite(options?: {
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Server;
}
