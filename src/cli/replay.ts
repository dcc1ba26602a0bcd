import { existsSync } from 'node:fs'
import { ConfigurationError, parseFlags, readStorePath, UsageError } from '../config.ts'
import { openSqliteStore } from '../store/sqlite/index.ts'

/** `sluice replay`: dead deliveries back into their lanes. A running gateway finds them within half a minute. */

/** ISO 8601, or how long ago: `36h`, `7d`. */
const timeOf = (flag: string, text: string | undefined, now: number): number | undefined => {
  if (text === undefined) return undefined
  const [, amount, unit] = /^(\d+)([hd])$/.exec(text) ?? []
  const at =
    amount === undefined ? Date.parse(text) : now - Number(amount) * (unit === 'h' ? 3_600_000 : 86_400_000)
  if (Number.isNaN(at))
    throw new UsageError(`--${flag}: "${text}" is no time; write it as 2026-11-20T08:00Z, 36h or 7d`)
  return at
}

export const run = async (args: readonly string[]): Promise<number> => {
  const { values } = parseFlags(args, ['store', 'integration', 'from', 'to', 'reason'], {
    booleans: ['dry-run'],
  })
  const text = (name: string): string | undefined => {
    const value = values[name]
    return typeof value === 'string' ? value : undefined
  }
  const now = Date.now()
  const integration = text('integration')
  if (integration !== undefined && !integration.includes('/'))
    throw new UsageError(`--integration: "${integration}" names no site; write it as site/integration`)
  const from = timeOf('from', text('from'), now)
  const to = timeOf('to', text('to'), now)
  const reason = text('reason')
  const dryRun = values['dry-run'] === true
  const path = readStorePath(text('store'), process.env)
  // Opening would make a new one, and an empty store has nothing to put back: a path that was mistyped.
  if (!existsSync(path))
    throw new ConfigurationError(`there is no store at ${path}; name the one that start uses with --store`)
  const store = await openSqliteStore({ path }).catch((error: unknown) => {
    throw new ConfigurationError(`store: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  })
  try {
    const count = await store.replay({
      now,
      dryRun,
      ...(integration === undefined ? {} : { integration }),
      ...(from === undefined ? {} : { from }),
      ...(to === undefined ? {} : { to }),
      ...(reason === undefined ? {} : { reason }),
    })
    process.stdout.write(
      `${count} ${count === 1 ? 'delivery' : 'deliveries'} ${dryRun ? 'would be' : count === 1 ? 'is' : 'are'} put back\n`,
    )
    return 0
  } finally {
    await store.close()
  }
}
