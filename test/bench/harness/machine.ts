import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'
import { delimiter, join } from 'node:path'

/** What a number must be read with: the machine, and what is installed on it. */

export const tools = ['wrk', 'taskset', 'nginx', 'caddy', 'haproxy', 'h2load'] as const
export type Tool = (typeof tools)[number]

/** Where Debian keeps servers; it is not on the PATH of every user. */
const serverFolders = ['/usr/sbin', '/usr/local/sbin']

export const findTool = (name: Tool): string | null => {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...serverFolders]
  for (const folder of folders) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here.
    }
  }
  return null
}

const versionOf: Readonly<Record<Exclude<Tool, 'taskset'>, readonly string[]>> = {
  wrk: ['-v'],
  nginx: ['-v'],
  caddy: ['version'],
  haproxy: ['-v'],
  h2load: ['--version'],
}

/** The first version number in what it says of itself; some say it on standard error. */
export const toolVersion = (name: keyof typeof versionOf): string | null => {
  const path = findTool(name)
  if (path === null) return null
  const { stdout, stderr } = spawnSync(path, versionOf[name], { encoding: 'utf8', timeout: 5_000 })
  return /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? 'of unknown version'
}

export const cores = availableParallelism()

/**
 * What is measured has a core for itself; load and origin share the others. On a single core everything shares it, and only
 * CPU per request means anything.
 */
export const measuredCore = '0'
export const otherCores = cores === 1 ? '0' : cores === 2 ? '1' : `1-${cores - 1}`

/** How the kernel counts CPU time in `/proc`. */
export const ticksPerSecond = ((): number => {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  } catch {
    return 100
  }
})()

/** Share of all cores that was at work, from 0 to 1; `null` where the kernel does not say. */
export const busyShare = async (forMs: number): Promise<number | null> => {
  const read = (): readonly [idle: number, all: number] | null => {
    try {
      const fields = readFileSync('/proc/stat', 'utf8')
        .split('\n', 1)[0]
        ?.trim()
        .split(/\s+/)
        .slice(1, 9)
        .map(Number)
      if (fields === undefined) return null
      return [(fields[3] ?? 0) + (fields[4] ?? 0), fields.reduce((sum, field) => sum + field, 0)]
    } catch {
      return null
    }
  }
  const before = read()
  await new Promise((resolve) => setTimeout(resolve, forMs))
  const after = read()
  if (before === null || after === null || after[1] === before[1]) return null
  return 1 - (after[0] - before[0]) / (after[1] - before[1])
}

const fileSystems: ReadonlyMap<number, string> = new Map([
  [0xef53, 'ext4'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x01021994, 'tmpfs (memory: an fsync costs nothing there)'],
  [0x794c7630, 'overlayfs'],
  [0x2fc12fc1, 'zfs'],
])

/** Of the folder, by the number `statfs(2)` gives it. */
export const fileSystemOf = (folder: string): string => {
  const { type: magic } = statfsSync(folder)
  return fileSystems.get(magic) ?? `file system 0x${magic.toString(16)}`
}

export const machineFacts = async (): Promise<readonly string[]> => {
  const busy = await busyShare(1_000)
  const load = loadavg()[0] ?? 0
  const version = (name: keyof typeof versionOf): string => `${name} ${toolVersion(name) ?? 'not installed'}`
  return [
    `${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `${type()} ${release()}, ${cores} ${cores === 1 ? 'core' : 'cores'} of ${cpus()[0]?.model.trim() ?? 'an unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    `Node ${process.versions.node}, ${version('wrk')}, ${version('nginx')}, ${version('caddy')}, ${version('haproxy')}, ${version('h2load')}`,
    `before the start: load average ${load.toFixed(2)}${busy === null ? '' : `, ${Math.round(busy * 100)} % of the cores at work`}`,
  ]
}

const packageOf: Partial<Readonly<Record<Tool, string>>> = { taskset: 'util-linux', h2load: 'nghttp2-client' }

/** `null`: nothing is missing. */
export const missingTools = (): string | null => {
  const missing = tools.filter((name) => findTool(name) === null)
  if (missing.length === 0) return null
  const packages = missing.map((name) => packageOf[name] ?? name)
  return `Not found: ${missing.join(', ')}. What needs them was left out; on Debian: \`apt-get install ${packages.join(' ')}\`.`
}
