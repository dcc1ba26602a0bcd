/** What the transitions share on one connection: the small numbers that stand for names, and the count of what is pending. */
import type { DatabaseSync } from 'node:sqlite'
import type { NewDelivery } from '../store.ts'
import { preparePulse, type Beat } from './pulse.ts'

interface LaneRow {
  readonly id: number
  readonly integration: number
}

export interface Session {
  readonly db: DatabaseSync
  siteId(name: string): number
  laneRow(integration: string, lane: NewDelivery['lane']): LaneRow
  /** Notes that a lane has this many more deliveries pending, or fewer. */
  pending(lane: number, change: number): void
  /** Notes what an attempt came to. */
  beat(beat: Beat): void
  /** Writes what was noted: one statement a lane, and a few for the pulse. Before every commit. */
  tally(): void
  /** Forgets what was noted after `mark()`, and names whose rows may have gone with a rollback. */
  forget(mark?: Mark): void
  mark(): Mark
}

export interface Mark {
  readonly changes: number
  readonly beats: number
}

/** Names come from configuration, but a store may outlive many configurations. */
const maxRemembered = 50_000

export const createSession = (db: DatabaseSync): Session => {
  const addSite = db.prepare('INSERT INTO site (name) VALUES (?) ON CONFLICT DO NOTHING')
  const findSite = db.prepare('SELECT id FROM site WHERE name = ?')
  const addIntegration = db.prepare('INSERT INTO integration (name) VALUES (?) ON CONFLICT DO NOTHING')
  const addLane = db.prepare(
    'INSERT INTO lane (integration, tempo) SELECT id, ?2 FROM integration WHERE name = ?1 ON CONFLICT DO NOTHING',
  )
  const findLane = db.prepare(
    `SELECT lane.id, lane.integration FROM lane JOIN integration ON integration.id = lane.integration
     WHERE integration.name = ? AND lane.tempo = ?`,
  )
  const addPending = db.prepare('UPDATE lane SET pending = pending + ? WHERE id = ?')

  const sites = new Map<string, number>()
  const lanes = new Map<string, LaneRow>()
  const changes: { readonly lane: number; readonly change: number }[] = []
  const beats: Beat[] = []
  const writePulse = preparePulse(db)

  return {
    db,
    siteId: (name) => {
      let id = sites.get(name)
      if (id === undefined) {
        if (findSite.get(name) === undefined) addSite.run(name)
        ;({ id } = findSite.get(name) as unknown as { id: number })
        if (sites.size >= maxRemembered) sites.clear()
        sites.set(name, id)
      }
      return id
    },
    laneRow: (integration, lane) => {
      const key = `${lane} ${integration}`
      let row = lanes.get(key)
      if (row === undefined) {
        if (findLane.get(integration, lane) === undefined) {
          addIntegration.run(integration)
          addLane.run(integration, lane)
        }
        row = findLane.get(integration, lane) as unknown as LaneRow
        if (lanes.size >= maxRemembered) lanes.clear()
        lanes.set(key, row)
      }
      return row
    },
    pending: (lane, change) => void changes.push({ lane, change }),
    beat: (beat) => void beats.push(beat),
    tally: () => {
      const sums = new Map<number, number>()
      for (const { lane, change } of changes) sums.set(lane, (sums.get(lane) ?? 0) + change)
      for (const [lane, sum] of sums) if (sum !== 0) addPending.run(sum, lane)
      writePulse(beats)
      changes.length = 0
      beats.length = 0
    },
    mark: () => ({ changes: changes.length, beats: beats.length }),
    forget: (mark = { changes: 0, beats: 0 }) => {
      changes.length = mark.changes
      beats.length = mark.beats
      sites.clear()
      lanes.clear()
    },
  }
}
