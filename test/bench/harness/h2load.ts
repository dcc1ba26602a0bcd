import { findTool, otherCores } from './machine.ts'
import { startProcess, type Running } from './processes.ts'
import { host, visitor, type Round } from './wrk.ts'

/** Load over TLS by h2load, which speaks both versions of HTTP. */

export type Protocol = 'HTTP/2' | 'HTTP/1.1'

const connections = 64

/** Throws when an answer was wrong or missing: a broken server is not a fast one. */
const readH2load = (output: string): number => {
  const done = Number(
    /requests: .* (\d+) done, \d+ succeeded, 0 failed, 0 errored, 0 timeout/.exec(output)?.[1],
  )
  // Answers on their way when the time is over have a status and are not done.
  const good = Number(/status codes: (\d+) 2xx, 0 3xx, 0 4xx, 0 5xx/.exec(output)?.[1])
  if (!(done > 0) || !(good >= done)) throw new Error(`h2load saw trouble:\n${output}`)
  return done
}

export const loadTls = async (
  measured: Running,
  {
    port,
    path,
    protocol,
    seconds,
  }: {
    readonly port: number
    readonly path: string
    readonly protocol: Protocol
    readonly seconds: number
  },
): Promise<Omit<Round, 'p99Ms'>> => {
  const tool = findTool('h2load')
  if (tool === null) throw new Error('h2load is not installed')
  const fields = Object.entries(visitor).flatMap(([name, value]) =>
    name === 'Host' ? [] : ['-H', `${name}: ${value}`],
  )
  const before = measured.cpuMicros() ?? Number.NaN
  const begun = performance.now()
  await using running = await startProcess(
    'h2load',
    tool,
    [
      `--connect-to=127.0.0.1:${port}`,
      ...(protocol === 'HTTP/1.1' ? ['--h1'] : ['-m', '4']),
      '-t',
      '1',
      '-c',
      String(connections),
      '-D',
      String(seconds),
      ...fields,
      `https://${host}:${port}${path}`,
    ],
    { cores: otherCores },
  )
  await running.ended()
  const tookMicros = (performance.now() - begun) * 1_000
  const spent = (measured.cpuMicros() ?? Number.NaN) - before
  const requests = readH2load(running.output())
  return {
    requests,
    requestsPerSecond: requests / seconds,
    cpuMicros: spent / requests,
    coreShare: spent / tookMicros,
  }
}
