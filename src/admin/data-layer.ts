import { dataLayerSchema, type DataLayerSettings } from '../sites/data-layer.ts'
import type { SettingsStore } from '../store/settings.ts'
import { auditEntry } from './audit.ts'
import { refuseDeep } from './depth.ts'
import { parse } from './parse.ts'
import { checkPrecondition, etagOf } from './precondition.ts'
import { Problem } from './problem.ts'
import type { Answer, Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** Data layer settings: kept and checked. Nothing acts on them yet, and every answer says so. */

const kind = 'data-layer'
const id = 'settings'
const path = '/api/v1/sites/:siteId/integrations/data-layer'

interface Kept {
  readonly settings: DataLayerSettings
  /** `null`: never set; these are the defaults. */
  readonly version: number | null
}

const answerOf = ({ settings, version }: Kept): Answer => ({
  status: 200,
  headers: version === null ? {} : { etag: etagOf(version) },
  body: {
    ...settings,
    active: false,
    note: 'Kept, and not acted on: this version of the gateway has no data layer of its own yet.',
  },
})

export const dataLayerRoutes = ({
  store,
  sites,
  now,
}: {
  readonly store: SettingsStore
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
}): readonly Route[] => {
  const read = async (site: string): Promise<Kept> => {
    const [document] = await orUnavailable(store.documents(kind, site))
    return document === undefined
      ? { settings: dataLayerSchema.parse({}), version: null }
      : { settings: dataLayerSchema.parse(JSON.parse(document.body)), version: document.version }
  }
  return [
    {
      method: 'GET',
      path,
      summary: 'Data layer settings',
      scope: 'read',
      answers: { 200: 'The settings; `active` says whether anything acts on them.' },
      handle: async ({ params }) => answerOf(await read(siteNamed(sites(), params['siteId']).id)),
    },
    {
      method: 'PUT',
      path,
      summary: 'Replace the data layer settings',
      scope: 'write',
      body: dataLayerSchema,
      answers: { 200: 'Kept; `active` says whether anything acts on them.' },
      handle: async (call) => {
        const site = siteNamed(sites(), call.params['siteId'])
        refuseDeep(call.body)
        const settings = parse(dataLayerSchema, call.body, 'body')
        const before = await read(site.id)
        checkPrecondition(call, before.version)
        const put = await orUnavailable(
          store.putDocument(
            { kind, site: site.id, id, body: JSON.stringify(settings) },
            before.version,
            auditEntry(call, {
              at: now(),
              site: site.id,
              action: 'data-layer.changed',
              target: kind,
              detail: { before: before.settings, after: settings },
            }),
          ),
        )
        if (put === 'conflict')
          throw new Problem(
            'precondition_failed',
            'Somebody else changed it at the same moment. Read it again.',
          )
        return answerOf({ settings, version: put.version })
      },
    },
  ]
}
