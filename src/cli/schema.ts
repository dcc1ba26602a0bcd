import { rulesDeps } from '../gateway/rules-deps.ts'
import { rulesJsonSchema } from '../rules-file/json-schema.ts'
import type { Platforms } from '../rules-file/schema.ts'
import type { Io } from './io.ts'

/** `sluice schema`: the JSON Schema of the rules file; `rules.schema.json` is its output. */

export const schemaText = (platforms: Platforms): string =>
  `${JSON.stringify(rulesJsonSchema(platforms), null, 2)}\n`

/** Exit code 0, or 2 (usage). */
export const runSchema = (args: readonly string[], io: Io, platforms: Platforms): number => {
  if (args.length > 0) {
    io.stderr.write('usage: sluice schema\n')
    return 2
  }
  io.stdout.write(schemaText(platforms))
  return 0
}

export const run = async (args: readonly string[]): Promise<number> =>
  runSchema(args, process, rulesDeps({}).platforms)
