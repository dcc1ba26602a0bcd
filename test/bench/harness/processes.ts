import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findTool, ticksPerSecond } from './machine.ts'

/** Processes that the bench starts, pins to cores, watches and ends, each by its own id. */

export interface Running extends AsyncDisposable {
  readonly name: string
  readonly pid: number
  /** CPU time spent so far by the process, all its threads and its children, in µs; `null` where there is no `/proc`. */
  cpuMicros(): number | null
  /** Resident, with its children, in MiB; `null` where there is no `/proc`. */
  memoryMiB(): number | null
  /** How many it is, its children included; 0 where there is no `/proc`. */
  processes(): number
  output(): string
  /** Resolves when it has ended by itself. */
  ended(): Promise<number | null>
}

export interface StartOptions {
  /** As `taskset -c` takes it; without taskset it runs where it likes. */
  readonly cores: string
  readonly env?: Readonly<Record<string, string>>
}

const living = new Set<number>()

const signalAll = (): void => {
  for (const pid of living) {
    try {
      process.kill(pid, 'SIGTERM')
    } catch {
      // Gone already.
    }
  }
}

/** The gateway finishes what it has begun; whatever takes longer than this has hung. */
const graceMs = 10_000

/** A bench that is stopped half way leaves nothing behind. */
const stop = async (): Promise<void> => {
  signalAll()
  for (let waited = 0; living.size > 0 && waited < graceMs; waited += 50) await sleep(50)
  process.exit(1)
}
process.on('exit', signalAll)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())

interface ProcStat {
  readonly pid: number
  readonly parent: number
  readonly ticks: number
  readonly pages: number
}

/** proc_pid_stat(5): the name in parentheses may hold anything, so the fields are counted from its end. */
const readStat = (pid: number): ProcStat | null => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const at = (index: number): number => Number(fields[index])
    // utime, stime, and those of children that have ended.
    return { pid, parent: at(1), ticks: at(11) + at(12) + at(13) + at(14), pages: at(21) }
  } catch {
    return null
  }
}

const family = (pid: number): readonly ProcStat[] => {
  const own = readStat(pid)
  if (own === null) return []
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readStat(Number(name)) ?? [])
  const found = [own]
  for (const member of found) found.push(...all.filter(({ parent }) => parent === member.pid))
  return found
}

export const startProcess = async (
  name: string,
  command: string,
  args: readonly string[],
  { cores, env = {} }: StartOptions,
): Promise<Running> => {
  const taskset = findTool('taskset')
  const [file, all] = taskset === null ? [command, args] : [taskset, ['-c', cores, command, ...args]]
  const child = spawn(file, all, {
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pieces: string[] = []
  child.stdout.on('data', (chunk: Buffer) => pieces.push(chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => pieces.push(chunk.toString()))
  const closed = once(child, 'close') as Promise<[number | null]>
  await once(child, 'spawn')
  const { pid } = child
  if (pid === undefined) throw new Error(`${name} did not start`)
  living.add(pid)
  const gone = closed.then(([code]) => {
    living.delete(pid)
    return code
  })
  return {
    name,
    pid,
    cpuMicros: () => {
      const members = family(pid)
      if (members.length === 0) return null
      return (members.reduce((sum, { ticks }) => sum + ticks, 0) / ticksPerSecond) * 1e6
    },
    memoryMiB: () => {
      const members = family(pid)
      return members.length === 0 ? null : members.reduce((sum, { pages }) => sum + pages, 0) / 256
    },
    processes: () => family(pid).length,
    output: () => pieces.join(''),
    ended: () => gone,
    [Symbol.asyncDispose]: async () => {
      if (!living.has(pid)) return
      const children = family(pid).slice(1)
      child.kill('SIGTERM')
      const late = await Promise.race([gone.then(() => false), sleep(graceMs, true, { ref: false })])
      if (!late) return
      for (const { pid: one } of children) {
        try {
          process.kill(one, 'SIGKILL')
        } catch {
          // Gone already.
        }
      }
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** A port of the loopback that was free a moment ago: for programs that cannot say which one they took. */
export const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Runs a script of ours in a process of its own and reads the JSON it prints. */
export const measureInside = async <T>(script: URL, args: readonly string[], cores: string): Promise<T> => {
  await using running = await startProcess(
    script.pathname.split('/').at(-1) ?? '',
    process.execPath,
    ['--expose-gc', '--no-warnings', script.pathname, ...args],
    {
      cores,
      env: process.env['SLUICE_CORPUS'] === undefined ? {} : { SLUICE_CORPUS: process.env['SLUICE_CORPUS'] },
    },
  )
  const code = await running.ended()
  if (code !== 0) throw new Error(`${running.name} ended with ${code}:\n${running.output()}`)
  return JSON.parse(running.output()) as T
}
