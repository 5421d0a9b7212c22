import type { Service } from './service.ts';

/** What a snapshot is compressed with on its way from host to host. Backups are kept as gzip makes them, which everybody can read. */
export type Compressor = 'gzip' | 'zstd';

/** zstd takes a quarter of gzip's time to compress and a tenth to decompress, but every host that is to restore the snapshot has to have it. */
export function compressorFor(services: readonly Pick<Service, 'inspection'>[]): Compressor {
  return services.every(({ inspection }) => inspection?.zstd) ? 'zstd' : 'gzip';
}
