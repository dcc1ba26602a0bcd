import { readFileSync } from 'node:fs'
import { readPairFiles } from '../certificates/files.ts'
import { doubtsAbout } from '../certificates/pair.ts'
import { destinations } from '../destinations/index.ts'
import type { RulesDeps } from '../rules-file/load.ts'
import { resolveSecret } from '../sites/secrets.ts'

const readText = (path: string): string => readFileSync(path, 'utf8')

/** What the rules file may name: the platforms of this build, and secrets of this environment. */
export const rulesDeps = (env: Readonly<Record<string, string | undefined>>): RulesDeps => ({
  platforms: Object.fromEntries(
    destinations.map(({ name, aliases, settings, consent, flagged }) => [
      name,
      { aliases, settings, consent, flagged },
    ]),
  ),
  resolveSecret: (reference) => resolveSecret(reference, env, readText),
  checkCertificate: (files, hosts) => {
    const pair = readPairFiles(files, readText)
    return 'context' in pair
      ? { problems: [], doubts: doubtsAbout(pair, hosts, Date.now()) }
      : { problems: pair, doubts: [] }
  },
})
