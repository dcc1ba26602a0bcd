/** The thread's side of `dom-thread.ts`: says `ready` once, then for each page its values one by one, then `done` or `too_large`. */
import { parentPort } from 'node:worker_threads'
import { answerAsks } from './dom-answer.ts'
import type { FromWorker, ToWorker } from './dom-thread.ts'

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
const say = (message: FromWorker): void => parentPort?.postMessage(message)

parentPort?.on('message', ({ html, asks }: ToWorker) => {
  const answered = answerAsks(html, asks, (index, value) => say([index, value]))
  say(answered ? 'done' : 'too_large')
})
say('ready')
