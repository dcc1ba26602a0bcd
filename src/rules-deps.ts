import { readFileSync } from 'node:fs'
import { destinations } from './destinations/index.ts'
import type { RulesDeps } from './rules-file/load.ts'
import { resolveSecret } from './sites/secrets.ts'

/** What the rules file may name: the platforms of this build, and secrets of this environment. */
export const rulesDeps = (env: Readonly<Record<string, string | undefined>>): RulesDeps => ({
  platforms: Object.fromEntries(
    destinations.map(({ name, aliases, settings }) => [name, { aliases, settings }]),
  ),
  resolveSecret: (reference) => resolveSecret(reference, env, (path) => readFileSync(path, 'utf8')),
})
