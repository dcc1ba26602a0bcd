import { dataLayerSchema } from '../sites/data-layer.ts'
import type { DataLayerInForce, DataLayers } from '../sites/data-layers.ts'
import { auditEntry } from './audit.ts'
import { refuseDeep } from './depth.ts'
import { parse } from './parse.ts'
import { checkPrecondition, etagOf } from './precondition.ts'
import { Problem } from './problem.ts'
import type { Answer, Route } from './route.ts'
import { siteNamed, type AdminSite } from './sites.ts'
import { orUnavailable } from './store-trouble.ts'

/** Data layer settings: those of the rules file to be seen, those of other sites to be changed. */

const path = '/api/v1/sites/:siteId/integrations/data-layer'

const answerOf = ({ settings, declared, version }: DataLayerInForce): Answer => ({
  status: 200,
  headers: version === null ? {} : { etag: etagOf(version) },
  body: {
    ...settings,
    declared,
    active: settings.enabled || settings.serverTiming,
    note: settings.enabled
      ? 'Pages that fire push their events with the ids that the platforms get.'
      : 'No byte of a page is changed.',
  },
})

export const dataLayerRoutes = ({
  dataLayers,
  sites,
  now,
  rulesFile,
}: {
  readonly dataLayers: DataLayers
  readonly sites: () => readonly AdminSite[]
  readonly now: () => number
  /** Where settings are declared, for whoever wants to change them: the path of the rules file. */
  readonly rulesFile: string
}): readonly Route[] => {
  const read = async (site: string): Promise<DataLayerInForce> => {
    await orUnavailable(dataLayers.refresh())
    return dataLayers.of(site)
  }
  return [
    {
      method: 'GET',
      path,
      summary: 'Data layer settings',
      scope: 'read',
      answers: {
        200: 'The settings in force; `declared`: by the rules file, where they are changed; `active`: pages are told.',
      },
      handle: async ({ params }) => answerOf(await read(siteNamed(sites(), params['siteId']).id)),
    },
    {
      method: 'PUT',
      path,
      summary: 'Replace the data layer settings',
      scope: 'write',
      body: dataLayerSchema,
      answers: { 200: 'In force for the next page.' },
      handle: async (call) => {
        const site = siteNamed(sites(), call.params['siteId'])
        refuseDeep(call.body)
        const settings = parse(dataLayerSchema, call.body, 'body')
        const before = await read(site.id)
        if (before.declared)
          throw new Problem(
            'conflict',
            `The data layer of the site "${site.id}" is declared in ${rulesFile}, and is changed there.`,
          )
        checkPrecondition(call, before.version)
        const put = await orUnavailable(
          dataLayers.put(
            site.id,
            settings,
            before.version,
            auditEntry(call, {
              at: now(),
              site: site.id,
              action: 'data-layer.changed',
              target: 'data-layer',
              detail: { before: before.settings, after: settings },
            }),
          ),
        )
        if (put === 'conflict')
          throw new Problem(
            'precondition_failed',
            'Somebody else changed it at the same moment. Read it again.',
          )
        return answerOf({ settings, declared: false, version: put.version })
      },
    },
  ]
}
