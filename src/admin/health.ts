import { ok, type Route } from './route.ts'
import { integrationHealthRoutes, type IntegrationHealthOptions } from './integration-health.ts'

/** Is it alive, can it work, and how is each integration doing. */

export type HealthOptions = IntegrationHealthOptions & {
  /** `null`: ready. Otherwise why not, in words. */
  readonly notReady: () => string | null
}

export const healthRoutes = (options: HealthOptions): readonly Route[] => [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Does the process run?',
    scope: null,
    answers: { 200: 'It does.' },
    handle: async () => ok({ status: 'alive' }),
  },
  {
    method: 'GET',
    path: '/readyz',
    summary: 'Can it take visitors and events?',
    scope: null,
    answers: { 200: 'It can.', 503: 'It cannot, and says why.' },
    handle: async () => {
      const reason = options.notReady()
      return reason === null
        ? ok({ status: 'ready' })
        : { status: 503, body: { status: 'not ready', reason } }
    },
  },
  ...integrationHealthRoutes(options),
]
