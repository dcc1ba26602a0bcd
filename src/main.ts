#!/usr/bin/env node
import { ConfigurationError, UsageError } from './config.ts'

/** The process: a command, its exit code, and one clear message when it fails. */

interface Command {
  readonly summary: string
  /** Loaded when asked for: `sluice check` need not start a database. */
  readonly load: () => Promise<{ readonly run: (args: readonly string[]) => Promise<number> }>
}

const commands: Readonly<Record<string, Command>> = {
  start: { summary: 'run the gateway', load: () => import('./cli/start.ts') },
  check: { summary: 'validate a rules file', load: () => import('./cli/check.ts') },
  explain: {
    summary: 'dry run: what would happen for an address, and why',
    load: () => import('./cli/explain.ts'),
  },
  schema: { summary: 'print the JSON Schema of the rules file', load: () => import('./cli/schema.ts') },
  demo: {
    summary: 'a shop, stand-ins for the platforms, and a shopper',
    load: () => import('./cli/demo.ts'),
  },
  replay: { summary: 'put dead deliveries back', load: () => import('./cli/replay.ts') },
}

const usage = `usage: sluice <command> [flags]

${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(9)}${summary}`)
  .join('\n')}

Exit codes: 0 fine, 1 failed, 2 usage, 78 bad configuration.
`

const exitOf = { failed: 1, usage: 2, configuration: 78 } as const

const main = async ([name, ...args]: readonly string[]): Promise<number> => {
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(usage)
    return name === undefined ? exitOf.usage : 0
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) {
    process.stderr.write(`sluice: there is no command "${name}"\n\n${usage}`)
    return exitOf.usage
  }
  try {
    const { run } = await command.load()
    return await run(args)
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`sluice ${name}: ${error.message}\n`)
      return exitOf.usage
    }
    if (error instanceof ConfigurationError) {
      process.stderr.write(`sluice ${name}: ${error.message}\n`)
      return exitOf.configuration
    }
    process.stderr.write(
      `sluice ${name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    )
    return exitOf.failed
  }
}

process.exitCode = await main(process.argv.slice(2))
