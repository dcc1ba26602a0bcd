import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { openSqliteStore } from '../../../src/store/sqlite/index.ts'
import { meta } from '../events.ts'
import { temporaryDirectory } from './bench.ts'

const rounds = 10

test(
  'kill -9 in the middle of appends and claims: all that was acknowledged is there',
  { timeout: 120_000 },
  async () => {
    await using directory = await temporaryDirectory()
    const path = join(directory.path, 'sluice.db')
    const acknowledged = new Set<string>()
    for (let round = 0; round < rounds; round++) {
      const child = spawn(process.execPath, [join(import.meta.dirname, 'appender.ts'), path, String(round)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      // Some have barely begun, some are in full flow; where exactly the blow falls is up to the machine.
      const enough = acknowledged.size + 1 + Math.floor(Math.random() * 2_000)
      for await (const line of createInterface({ input: child.stdout })) {
        for (const eventId of line.split(' ')) acknowledged.add(eventId)
        if (acknowledged.size >= enough) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      expect(child.signalCode).toBe('SIGKILL')

      const db = new DatabaseSync(path)
      expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' })
      expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([])
      const kept = new Set(
        db
          .prepare('SELECT event_id AS eventId FROM event')
          .all()
          .map((row) => String(row['eventId'])),
      )
      db.close()
      expect([...acknowledged].filter((eventId) => !kept.has(eventId))).toEqual([])
      // Nothing halfway: each event still owes its one delivery.
      const store = await openSqliteStore({ path })
      expect(await store.backlog()).toMatchObject([{ integration: meta, pending: kept.size }])
      await store.close()
    }
    expect(acknowledged.size).toBeGreaterThanOrEqual(rounds)

    const store = await openSqliteStore({ path })
    const [before] = await store.backlog()
    const recovered = await store.recover(1_000)
    expect(recovered).toBeGreaterThan(0)
    const due = await store.claim({ integration: meta, lane: 'realtime', limit: 1_000_000, now: 1_000 })
    expect(due).toHaveLength(before!.pending)
    await store.close()
  },
)
