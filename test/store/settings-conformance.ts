/** What every engine promises of documents and of the audit log, one sentence a test. */
import { describe, expect, test } from 'vitest'
import type { AuditEntry, Changed, SettingsStore } from '../../src/store/settings.ts'
import type { Store } from '../../src/store/store.ts'
import { journalLine, newEvent, refused } from './events.ts'

export interface SettingsBench extends AsyncDisposable {
  readonly store: Store & SettingsStore
  reopen(): Promise<Store & SettingsStore>
}

const entry = (changes: Partial<AuditEntry> = {}): AuditEntry => ({
  at: 1_000,
  site: 'shop',
  who: 'admin',
  action: 'thing.changed',
  target: 'a',
  detail: '{}',
  ...changes,
})
const thing = (id: string, body = '{"n":1}', site = 'shop') => ({ kind: 'thing', site, id, body })

const versionOf = (changed: Changed): number => {
  if (changed === 'conflict') throw new Error('it was a conflict')
  return changed.version
}

export const describeSettingsStore = (engine: string, open: () => Promise<SettingsBench>): void => {
  describe(`${engine}: documents`, () => {
    test('a document is read back as it was written, also after a restart', async () => {
      await using bench = await open()
      const put = await bench.store.putDocument(thing('a', '{"name":"Käse 🧀"}'), null, entry({ at: 7_000 }))
      const expected = { ...thing('a', '{"name":"Käse 🧀"}'), version: versionOf(put), changedAt: 7_000 }
      expect(await bench.store.documents('thing')).toEqual([expected])
      expect(await (await bench.reopen()).documents('thing', 'shop')).toEqual([expected])
    })

    test('of a kind are listed by site and id, of one site or of all, and never those of another kind', async () => {
      await using bench = await open()
      const { store } = bench
      for (const [id, site] of [
        ['b', 'shop'],
        ['a', 'shop'],
        ['a', 'blog'],
      ] as const)
        await store.putDocument(thing(id, '{}', site), null, entry())
      await store.putDocument({ ...thing('a'), kind: 'other' }, null, entry())
      const names = async (site?: string) =>
        (await store.documents('thing', site)).map((one) => `${one.site}/${one.id}`)
      expect(await names()).toEqual(['blog/a', 'shop/a', 'shop/b'])
      expect(await names('shop')).toEqual(['shop/a', 'shop/b'])
      expect(await names('nobody')).toEqual([])
    })

    test('a change that expects another version is a conflict and leaves no trace', async () => {
      await using bench = await open()
      const { store } = bench
      const first = versionOf(await store.putDocument(thing('a', '1'), null, entry()))
      const second = versionOf(await store.putDocument(thing('a', '2'), first, entry()))
      const before = await store.documentsVersion()
      expect(await store.putDocument(thing('a', '3'), first, entry())).toBe('conflict')
      expect(await store.putDocument(thing('a', '3'), null, entry())).toBe('conflict')
      expect(await store.putDocument(thing('b', '3'), second, entry())).toBe('conflict')
      expect(await store.deleteDocument(thing('a'), first, entry())).toBe('conflict')
      expect(await store.deleteDocument(thing('b'), second, entry())).toBe('conflict')
      expect(await store.documents('thing')).toMatchObject([{ id: 'a', body: '2', version: second }])
      expect(await store.documentsVersion()).toBe(before)
      expect((await store.audits('shop', undefined, 100)).entries).toHaveLength(2)
    })

    test('of two that replace the same version at the same time exactly one succeeds', async () => {
      await using bench = await open()
      const { store } = bench
      const version = versionOf(await store.putDocument(thing('a', '0'), null, entry()))
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.putDocument(thing('a', String(index)), version, entry({ detail: String(index) })),
        ),
      )
      const winners = answers.flatMap((answer, index) => (answer === 'conflict' ? [] : [index]))
      expect(winners).toHaveLength(1)
      expect(await store.documents('thing')).toMatchObject([{ body: String(winners[0]) }])
      const [line] = (await store.audits('shop', undefined, 1)).entries
      expect(line?.detail).toBe(String(winners[0]))
    })

    test('a version is never used again, also not by a document made anew under an old name', async () => {
      await using bench = await open()
      const { store } = bench
      const first = versionOf(await store.putDocument(thing('a'), null, entry()))
      const other = versionOf(await store.putDocument(thing('b'), null, entry()))
      const gone = versionOf(await store.deleteDocument(thing('a'), first, entry()))
      expect(await store.documents('thing')).toMatchObject([{ id: 'b' }])
      const again = versionOf(await store.putDocument(thing('a'), null, entry()))
      expect(new Set([first, other, gone, again]).size).toBe(4)
      expect(await store.putDocument(thing('a'), first, entry())).toBe('conflict')
    })

    test('the version of all moves with every change, and survives a restart', async () => {
      await using bench = await open()
      const seen = [await bench.store.documentsVersion()]
      const note = async (): Promise<void> => void seen.push(await bench.store.documentsVersion())
      const version = versionOf(await bench.store.putDocument(thing('a'), null, entry()))
      await note()
      await bench.store.deleteDocument(thing('a'), version, entry())
      await note()
      expect(new Set(seen).size).toBe(3)
      expect(await (await bench.reopen()).documentsVersion()).toBe(seen.at(-1))
    })
  })

  describe(`${engine}: the audit log`, () => {
    test('holds every change and what was noted beside, newest first, of one site alone', async () => {
      await using bench = await open()
      const { store } = bench
      const created = entry({ action: 'thing.created', who: 'key-1', detail: '{"n":1}' })
      const version = versionOf(await store.putDocument(thing('a'), null, created))
      await store.audit(entry({ action: 'noted', at: 2_000 }))
      await store.audit(entry({ site: 'blog' }))
      await store.deleteDocument(thing('a'), version, entry({ action: 'thing.deleted', at: 3_000 }))
      const { entries, nextCursor } = await (await bench.reopen()).audits('shop', undefined, 100)
      expect(entries.map(({ action }) => action)).toEqual(['thing.deleted', 'noted', 'thing.created'])
      expect(entries.at(-1)).toEqual({ ...created, entryId: expect.any(Number) })
      expect(nextCursor).toBeNull()
    })

    test('is read in pages that stay stable while entries arrive', async () => {
      await using bench = await open()
      const { store } = bench
      for (let n = 0; n < 7; n += 1) await store.audit(entry({ detail: String(n) }))
      const seen: string[] = []
      let cursor: string | undefined
      for (;;) {
        const page = await store.audits('shop', cursor, 3)
        seen.push(...page.entries.map(({ detail }) => detail))
        await store.audit(entry({ detail: 'late' }))
        if (page.nextCursor === null) break
        cursor = page.nextCursor
      }
      expect(seen).toEqual(['6', '5', '4', '3', '2', '1', '0'])
    })
  })

  describe(`${engine}: what was done already`, () => {
    test('a delivery that arrives in its final state may bring its line of the journal', async () => {
      await using bench = await open()
      const line = journalLine({ outcome: 'rejected', httpStatus: 400 })
      await bench.store.append([newEvent('e1', { deliveries: [refused('test', { line })] })])
      expect(await bench.store.event('shop', 'e1')).toMatchObject({
        deliveries: [{ status: 'test', journal: [line] }],
      })
      expect(await bench.store.backlog()).toEqual([])
    })
  })

  describe(`${engine}: a closed store`, () => {
    test('refuses every call', async () => {
      await using bench = await open()
      const { store } = bench
      await store.close()
      const calls: Record<keyof SettingsStore, () => Promise<unknown>> = {
        documents: () => store.documents('thing'),
        putDocument: () => store.putDocument(thing('a'), null, entry()),
        deleteDocument: () => store.deleteDocument(thing('a'), 1, entry()),
        documentsVersion: () => store.documentsVersion(),
        audit: () => store.audit(entry()),
        audits: () => store.audits('shop', undefined, 1),
      }
      for (const call of Object.values(calls)) await expect(call()).rejects.toMatchObject({ code: 'closed' })
    })
  })
}
