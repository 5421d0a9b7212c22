import type { Platform, PlatformOptions } from '../local/platform.ts';

/** The embedded platform. It is loaded only here, for that takes as long as all the rest of a command that ends before. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { Platform } = await import('../local/platform.ts');
  return Platform.start(options);
}
