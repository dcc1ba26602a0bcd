import { parentPort, workerData } from 'node:worker_threads'
import type { Environment } from '../config.ts'
import { rulesDeps } from './rules-deps.ts'
import { parseRules } from '../rules-file/parse.ts'
import { partsOf, type Part } from '../rules-file/parts.ts'

/** A thread that reads one text of a rules file and hands over what it found, a part for each `next`. */

export interface RulesWork {
  readonly text: string
  /** Where secrets are. */
  readonly env: Environment
}
export type FromRulesWorker = Part

const { text, env } = workerData as RulesWork
const parts = partsOf(parseRules(text, rulesDeps(env)))

const handOver = (): void => {
  const { value } = parts.next()
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  if (value !== undefined) parentPort?.postMessage(value satisfies FromRulesWorker)
}

parentPort?.on('message', handOver)
handOver()
