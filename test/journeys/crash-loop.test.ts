import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { FromEngine, ToEngine } from '../support/engine-process.ts'
import { startServer, type TestServer } from '../support/server.ts'

/**
 * Once accepted, never lost: intake, store and lanes are killed at random moments, while they open the file, append, send,
 * settle, sweep and copy the log back, and everything that was acknowledged arrives.
 */

const kills = 200
const program = fileURLToPath(new URL('../support/engine-process.ts', import.meta.url))

interface Arrival {
  readonly integration: string
  readonly id: string
  readonly bytes: string
}

/** Takes what comes and notes it before it answers; now and then it answers badly, late or never. */
const startPlatform = async (): Promise<TestServer & { readonly arrivals: Arrival[] }> => {
  const arrivals: Arrival[] = []
  const server = await startServer((request, response, body) => {
    const integration = request.url?.split('/')[1] ?? ''
    const mood = Math.random()
    if (mood < 0.04) return void response.writeHead(503).end()
    const { events } = JSON.parse(body) as { events: readonly { readonly id: string }[] }
    for (const event of events)
      // Alone, an event is the whole body; in company its own part of it.
      arrivals.push({
        integration,
        id: event.id,
        bytes: integration === 'alone' ? body : JSON.stringify(event),
      })
    if (mood < 0.08) return void response.socket?.resetAndDestroy()
    if (mood < 0.12) return void setTimeout(() => response.writeHead(200).end(), 60)
    response.writeHead(200).end()
  })
  return { ...server, arrivals, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() }
}

interface Life extends AsyncDisposable {
  readonly child: ChildProcess
  say(message: ToEngine): void
  heard(kind: 'loaded' | 'started' | 'finished'): Promise<void>
}

const beget = (folder: string, onAccepted: (numbers: readonly number[]) => void): Life => {
  const child = fork(program, {
    env: { PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: join(folder, 'compiled') },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const news = {
    loaded: Promise.withResolvers<void>(),
    started: Promise.withResolvers<void>(),
    finished: Promise.withResolvers<void>(),
  }
  child.on('message', (message: FromEngine) => {
    if ('accepted' in message) onAccepted(message.accepted)
    else if ('loaded' in message) news.loaded.resolve()
    else if ('started' in message) news.started.resolve()
    else news.finished.resolve()
  })
  const ended = once(child, 'close')
  return {
    child,
    // To one that has just been killed nothing can be said any more.
    say: (message) => {
      if (child.connected) child.send(message, () => undefined)
    },
    heard: (kind) =>
      Promise.race([
        news[kind].promise,
        ended.then(([code, signal]) => {
          throw new Error(`it ended with ${String(code ?? signal)} before it had ${kind}`)
        }),
      ]),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}

test(
  `after ${kills} kills at random moments all that was acknowledged has arrived, and what came twice came with the same id and bytes`,
  { timeout: 240_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-crash-'))
    await using platform = await startPlatform()
    const epoch = Date.now()
    const accepted = new Set<number>()
    const unanswered = new Set<number>()
    let next = 0
    const onAccepted = (numbers: readonly number[]): void => {
      for (const number of numbers) {
        accepted.add(number)
        unanswered.delete(number)
      }
    }
    const open = (life: Life): void => life.say({ start: { folder, url: platform.url, epoch } })

    /** A sender that asks again when nobody has answered. */
    const send = async (life: Life, signal: AbortSignal): Promise<void> => {
      const left = [...unanswered]
      for (let index = 0; index < left.length; index += 20)
        life.say({ append: left.slice(index, index + 20) })
      while (!signal.aborted) {
        const numbers = Array.from({ length: 1 + Math.floor(Math.random() * 5) }, () => next++)
        for (const number of numbers) unanswered.add(number)
        life.say({ append: numbers })
        await sleep(6)
      }
    }

    let opened = 0
    let waiting = beget(folder, onAccepted)
    for (let kill = 0; kill < kills; kill += 1) {
      await using life = waiting
      await life.heard('loaded')
      waiting = beget(folder, onAccepted)
      open(life)
      const over = new AbortController()
      // Every third dies while it opens the file and takes up what the last one left.
      if (kill % 3 === 0) {
        await sleep(Math.random() * 60)
      } else {
        await life.heard('started')
        opened += 1
        const sending = send(life, over.signal)
        await sleep(Math.random() * 110)
        over.abort()
        await sending
      }
    }

    await using last = waiting
    await last.heard('loaded')
    open(last)
    await last.heard('started')
    last.say({ append: [...unanswered] })
    last.say({ finish: true })
    await last.heard('finished')

    const byEvent = Map.groupBy(platform.arrivals, ({ integration, id }) => `${integration} ${id}`)
    const lost = [...accepted].flatMap((number) =>
      ['alone', 'batched'].filter((integration) => !byEvent.has(`${integration} event-${number}`)),
    )
    const changed = [...byEvent].filter(
      ([, arrivals]) => new Set(arrivals.map(({ bytes }) => bytes)).size > 1,
    )
    expect(lost).toEqual([])
    expect(changed.map(([key]) => key)).toEqual([])
    expect(unanswered.size).toBe(0)
    expect(accepted.size).toBe(next)
    // The kills have hit a living thing: most lives took events, and some were in the midst of sending.
    expect(opened).toBeGreaterThan(kills / 2)
    expect(accepted.size).toBeGreaterThan(kills)
    const again = platform.arrivals.length - byEvent.size
    console.info(
      `${kills} kills, ${accepted.size} events acknowledged, ${byEvent.size} deliveries, ${again} of them seen again`,
    )
    await rm(folder, { recursive: true, force: true })
  },
)
