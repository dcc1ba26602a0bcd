import { Worker } from 'node:worker_threads'
import type { Environment } from '../config.ts'
import { hashOf, type Loaded, type Problems } from '../rules-file/parse.ts'
import { joinParts } from '../rules-file/parts.ts'
import type { FromRulesWorker, RulesWork } from './rules-worker.ts'

const start = (workerData: RulesWork): Worker =>
  new Worker(new URL('./rules-worker.ts', import.meta.url), { workerData, name: 'rules' })

/**
 * As `parseRules`, beside the event loop: half a second of work for ten thousand rules, during which pages flow. The thread
 * lives for one text. Never rejects; a thread that dies is a problem like any other.
 */
export const parseInThread = (text: string, env: Environment): Promise<Loaded | Problems> =>
  new Promise((resolve) => {
    const die = (cause: unknown): void => {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const message = `the rules file could not be judged: ${reason}`
      const problem = { line: 0, column: 0, path: '', message, severity: 'error' } as const
      resolve({ ok: false, problems: [problem], hash: hashOf(text) })
    }
    try {
      const worker = start({ text, env: { ...env } })
      const join = joinParts(text)
      worker.on('error', die)
      worker.on('exit', (code) => die(`its thread ended with ${code}`))
      worker.on('message', (part: FromRulesWorker) => {
        const result = join(part)
        if (result === null) {
          // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
          worker.postMessage('next')
          return
        }
        resolve(result)
        void worker.terminate()
      })
      // A process that wants to end does not wait for rules it will not use.
      worker.unref()
    } catch (error) {
      die(error)
    }
  })
