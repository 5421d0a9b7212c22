import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { findOnPath } from '../../local/etcd/executables.ts';
import { WAIT_MS } from '../run/patience.ts';

/** As Debian and others call it. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
/** Undefined where there is none. */
export async function findChromium(): Promise<string | undefined> {
  for (const name of NAMES) {
    const found = await findOnPath(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** What a page has done since it was opened. */
export interface Opened {
  /** What it asked for, itself left out. */
  requests: string[];
  /** Errors and warnings, of scripts, of styles, and of what a policy has refused. */
  complaints: string[];
  /** What an expression comes to in it. */
  evaluate(expression: string): Promise<unknown>;
  /** As PNG, from its top. */
  picture(media: { scheme: 'light' | 'dark'; width: number }): Promise<Buffer>;
  /** As a printer gets it. */
  print(): Promise<Buffer>;
}

/** Of a page, in pixels: Chromium takes no picture of a page that is much longer, as a report may be on a phone. */
const PICTURE_HEIGHT = 10_000;

/**
 * A headless Chromium, spoken to through a pipe: it listens nowhere. Close it after use.
 * https://chromedevtools.github.io/devtools-protocol/
 */
export class Chromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (message: Message) => void>();
  readonly #listeners = new Set<(message: Message) => void>();
  #lastId = 0;

  private constructor(process: ChildProcess, profile: string) {
    this.#process = process;
    this.#profile = profile;
    let rest = '';
    (process.stdio[4] as Readable).on('data', (data) => {
      const messages = `${rest}${data}`.split('\0');
      rest = messages.pop() ?? '';
      for (const text of messages) this.#take(JSON.parse(text));
    });
  }

  static async start(executable: string): Promise<Chromium> {
    const profile = await mkdtemp(join(tmpdir(), 'etcd-remediation-chromium-'));
    const flags = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      // Root has no sandbox to go into, and what is opened is ours.
      '--no-sandbox',
      ...['--disable-gpu', '--disable-dev-shm-usage', '--no-first-run', '--disable-background-networking'],
    ];
    const stdio = ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] as const;
    return new Chromium(spawn(executable, flags, { stdio: [...stdio] }), profile);
  }

  /** Opens a file, and waits until it is all there. */
  async open(file: string): Promise<Opened> {
    const { targetId } = await this.#ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#ask('Target.attachToTarget', { targetId, flatten: true });
    const ask = (method: string, params = {}) => this.#ask(method, params, String(sessionId));
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await ask(`${domain}.enable`);
    const url = pathToFileURL(file).href;
    const opened = { requests: [] as string[], complaints: [] as string[] };
    const loaded = this.#when('Page.loadEventFired');
    this.#listeners.add(({ method, params = {} }) => {
      if (method === 'Network.requestWillBeSent') opened.requests.push((params.request as { url: string }).url);
      if (
        method === 'Runtime.consoleAPICalled' ||
        method === 'Runtime.exceptionThrown' ||
        method === 'Log.entryAdded'
      ) {
        opened.complaints.push(JSON.stringify(params));
      }
    });
    await ask('Page.navigate', { url });
    await loaded;
    return {
      get requests() {
        return opened.requests.filter((each) => each !== url);
      },
      complaints: opened.complaints,
      evaluate: async (expression) =>
        ((await ask('Runtime.evaluate', { expression, returnByValue: true })).result as { value: unknown }).value,
      picture: async ({ scheme, width }) => {
        const features = [{ name: 'prefers-color-scheme', value: scheme }];
        await ask('Emulation.setEmulatedMedia', { features });
        await ask('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
        const { cssContentSize } = (await ask('Page.getLayoutMetrics')) as { cssContentSize: { height: number } };
        const clip = { x: 0, y: 0, width, height: Math.min(cssContentSize.height, PICTURE_HEIGHT), scale: 1 };
        const { data } = await ask('Page.captureScreenshot', { captureBeyondViewport: true, clip });
        return Buffer.from(String(data), 'base64');
      },
      print: async () => Buffer.from(String((await ask('Page.printToPDF')).data), 'base64'),
    };
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
    // Its helpers end a moment after it.
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }

  #ask(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#lastId;
    const answered = inTime<Message>(`the answer to ${method}`, (resolve) => this.#waiting.set(id, resolve));
    (this.#process.stdio[3] as Writable).write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return answered.then(({ result, error }) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      return result ?? {};
    });
  }

  #when(method: string): Promise<void> {
    return inTime(method, (resolve) => {
      const listener = (message: Message) => {
        if (message.method !== method) return;
        this.#listeners.delete(listener);
        resolve();
      };
      this.#listeners.add(listener);
    });
  }

  #take(message: Message): void {
    if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    for (const listener of this.#listeners) listener(message);
  }
}

function inTime<Value>(what: string, begin: (resolve: (value: Value) => void) => void): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`Chromium: no ${what} within ${WAIT_MS / 1000} s`)), WAIT_MS);
    begin((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
