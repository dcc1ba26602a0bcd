import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The gateway as its operator runs it: a process of its own. */
/** Disposing of it ends what still runs, so that a failing test leaves nothing behind. */
export interface GatewayProcess extends AsyncDisposable {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
  /** Everything it has written so far. */
  output(): string
  /** Sends the signal and waits for the end; answers with the exit code, or `null` when the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface ProcessOptions {
  readonly rules: string
  readonly database: string
  /** 0 lets the system choose. */
  readonly port?: number
  readonly env?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** Processes that carry traffic; everything in one if left out. */
  readonly workers?: number
}

/** Runs a command of ours to its end. */
export const runSluice = async (
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> => {
  const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export const startGatewayProcess = async (options: ProcessOptions): Promise<GatewayProcess> => {
  const child = spawn(
    process.execPath,
    [
      main,
      'start',
      '--rules',
      options.rules,
      '--listen',
      `127.0.0.1:${options.port ?? 0}`,
      '--store',
      `sqlite:${options.database}`,
      '--allow-private-networks',
      '127.0.0.0/8',
      '--admin-listen',
      '127.0.0.1:0',
      '--workers',
      String(options.workers ?? 0),
      ...(options.flags ?? []),
    ],
    { env: { PATH: process.env['PATH'] ?? '', ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const ready = Promise.withResolvers<string>()
  const collect = (chunk: Buffer): void => {
    output += chunk.toString()
    const url = /ready: (http:\/\/[^"\s]+)/.exec(output)?.[1]
    if (url !== undefined) ready.resolve(url)
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  const ended = once(child, 'close') as Promise<[number | null]>
  void ended.then(([code]) => ready.reject(new Error(`the gateway ended with ${code}:\n${output}`)))
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    const [code] = await ended
    return code
  }
  const url = await ready.promise
  return {
    url,
    port: Number(new URL(url).port),
    child,
    output: () => output,
    end,
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode === null && child.signalCode === null) await end('SIGKILL')
    },
  }
}
