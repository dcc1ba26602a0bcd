import { loadRules } from '../rules-file/load.ts'
import { formatProblems } from '../rules-file/problem.ts'
import type { RulesDeps } from '../rules-file/load.ts'
import { rulesDeps } from '../gateway/rules-deps.ts'
import type { Io } from './io.ts'

/** `sluice check`: everything that is wrong with a rules file, and every rule that can never fire. */

const usage = 'usage: sluice check <rules.json>\n'

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`

/** Problems and warnings go to `stderr`, the summary of a good file to `stdout`. Exit code 0, 2 (usage) or 78. */
export const runCheck = async (args: readonly string[], io: Io, deps: RulesDeps): Promise<number> => {
  const [path, ...more] = args
  if (path === undefined || more.length > 0 || path.startsWith('-')) {
    io.stderr.write(usage)
    return 2
  }
  const result = await loadRules(path, deps)
  if (!result.ok) {
    const errors = result.problems.filter(({ severity }) => severity === 'error').length
    io.stderr.write(formatProblems(path, result.problems))
    io.stderr.write(`${path}: ${counted(errors, 'problem')}\n`)
    return 78
  }
  io.stderr.write(formatProblems(path, result.warnings))
  const { sites } = result
  const rules = sites.reduce((sum, { traffic }) => sum + traffic.rules.length, 0)
  const integrations = sites.reduce((sum, site) => sum + site.integrations.length, 0)
  const facts = [counted(sites.length, 'site'), counted(rules, 'rule'), counted(integrations, 'integration')]
  if (result.warnings.length > 0) facts.push(counted(result.warnings.length, 'warning'))
  io.stdout.write(`${path} is fine: ${facts.join(', ')}\n`)
  return 0
}

export const run = (args: readonly string[]): Promise<number> =>
  runCheck(args, process, rulesDeps(process.env))
