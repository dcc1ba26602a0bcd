import type { PlatformAnswer, PlatformRequest } from '../platform.ts'
import { ingestFaults, ingestWarnings } from './data-manager.ts'
import { isObject, type Json, type Violation } from './shape.ts'
import { rowErrors, shapeFault, uploads, type Account, type Method, type RowError } from './upload.ts'

/** What becomes of a request once its token is good. */

export interface Conversion {
  readonly via: 'data_manager' | 'google_ads_api'
  readonly action: string
  readonly transactionId: string
  readonly fields: Json
}

export interface Ledger {
  readonly received: Conversion[]
  readonly adjusted: Conversion[]
  readonly failed: { readonly reason: string; readonly conversion: Conversion }[]
  validated: number
}

interface Options {
  readonly customerId: string | undefined
  readonly actions: Account['actions']
  readonly now: () => number
}

export interface Judgement {
  /** Why an event that was accepted fails when it is processed, such as `INVALID_GCLID`; `null`: it does not. */
  readonly judge: (fields: Json) => string | null
  /** How often a request is answered as not yet processed. */
  readonly undecidedAnswers: number
}

const type = 'type.googleapis.com/google'
const requestId = 'Rq-7f3a'

const rpcError = (
  code: number,
  status: string,
  message: string,
  details: readonly Json[] = [],
): PlatformAnswer => ({ status: code, body: { error: { code, message, status, details } } })

const invalid = (violations: readonly Violation[]): PlatformAnswer =>
  rpcError(400, 'INVALID_ARGUMENT', 'There was a problem with the request.', [
    {
      '@type': `${type}.rpc.ErrorInfo`,
      reason: 'INVALID_ARGUMENT',
      domain: 'datamanager.googleapis.com',
    },
    { '@type': `${type}.rpc.BadRequest`, fieldViolations: violations },
    { '@type': `${type}.rpc.RequestInfo`, requestId },
  ])

const isJson = ({ headers, method, json }: PlatformRequest): boolean =>
  method === 'POST' && headers['content-type']?.split(';', 1)[0] === 'application/json' && isObject(json)

/** Within one action an id is one conversion; with the same id again the first is adjusted. */
const isKnown = ({ received }: Ledger, { action, transactionId }: Conversion): boolean =>
  received.some((one) => one.action === action && one.transactionId === transactionId)

const permissionDenied = rpcError(403, 'PERMISSION_DENIED', 'The caller does not have permission', [
  { '@type': `${type}.rpc.ErrorInfo`, reason: 'PERMISSION_DENIED', domain: 'datamanager.googleapis.com' },
])

interface Accepted {
  readonly destination: Json
  readonly records: number
  /** By reason. */
  readonly errors: Map<string, number>
  /** Answers that it is not done yet, still to be given. */
  undecided: number
}

export const createDataManagerAnswers = (
  ledger: Ledger,
  { customerId, actions, now, judge, undecidedAnswers }: Options & Judgement,
) => {
  const requests = new Map<string, Accepted>()

  const reasonOf = ({ fields }: Conversion): string | null => {
    const consent = isObject(fields['consent']) ? fields['consent'] : {}
    return consent['adUserData'] === 'CONSENT_DENIED' ? 'DENIED_CONSENT' : judge(fields)
  }

  /** Answers why it failed, if so. */
  const keep = (conversion: Conversion): string | null => {
    const word = reasonOf(conversion)
    if (word === null) {
      ;(isKnown(ledger, conversion) ? ledger.adjusted : ledger.received).push(conversion)
      return null
    }
    const reason = `PROCESSING_ERROR_REASON_${word}`
    ledger.failed.push({ reason, conversion })
    return reason
  }

  const statusOf = ({ method, query }: PlatformRequest): PlatformAnswer => {
    const strange = [...query.keys()].find((key) => key !== 'requestId')
    if (method !== 'GET' || strange !== undefined)
      return rpcError(400, 'INVALID_ARGUMENT', `Unknown name "${strange ?? method}".`)
    const accepted = requests.get(query.get('requestId') ?? '')
    if (accepted === undefined) return rpcError(404, 'NOT_FOUND', 'Requested entity was not found.')
    const { destination, records, errors } = accepted
    const answer = (requestStatus: string, more: Json = {}): PlatformAnswer => ({
      status: 200,
      body: { requestStatusPerDestination: [{ destination, requestStatus, ...more }] },
    })
    if (accepted.undecided > 0) {
      accepted.undecided -= 1
      return answer('PROCESSING')
    }
    const failed = [...errors.values()].reduce((sum, count) => sum + count, 0)
    return answer(failed === 0 ? 'SUCCESS' : failed < records ? 'PARTIAL_SUCCESS' : 'FAILED', {
      eventsIngestionStatus: { recordCount: `${records}` },
      ...(failed === 0
        ? {}
        : {
            errorInfo: {
              errorCounts: [...errors].map(([reason, count]) => ({ recordCount: `${count}`, reason })),
            },
          }),
    })
  }

  return (request: PlatformRequest): PlatformAnswer => {
    if (request.path === '/v1/requestStatus:retrieve') return statusOf(request)
    if (request.path !== '/v1/events:ingest') return rpcError(404, 'NOT_FOUND', 'Not found.')
    if (!isJson(request)) return rpcError(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')
    const faults = ingestFaults(request.json, now())
    if (faults.length > 0) return invalid(faults)
    const body = request.json as {
      readonly destinations: readonly [
        { readonly operatingAccount: { readonly accountId: string }; readonly productDestinationId: string },
      ]
      readonly events: readonly (Json & { readonly transactionId: string })[]
      readonly validateOnly?: boolean
    }
    const [{ operatingAccount, productDestinationId: action }] = body.destinations
    if (customerId !== undefined && operatingAccount.accountId !== customerId) return permissionDenied
    if (actions !== undefined && actions[action] === undefined)
      return invalid([
        {
          field: 'destinations[0].product_destination_id',
          description: 'The conversion action was not found.',
          reason: 'INVALID_CONVERSION_ACTION_ID',
        },
      ])
    if (body.validateOnly === true) {
      ledger.validated += body.events.length
      return { status: 200, body: {} }
    }
    const errors = new Map<string, number>()
    for (const fields of body.events) {
      const reason = keep({ via: 'data_manager', action, transactionId: fields.transactionId, fields })
      if (reason !== null) errors.set(reason, (errors.get(reason) ?? 0) + 1)
    }
    const ticket = requests.size === 0 ? requestId : `${requestId}-${requests.size + 1}`
    requests.set(ticket, {
      destination: body.destinations[0],
      records: body.events.length,
      errors,
      undecided: undecidedAnswers,
    })
    const fieldWarnings = ingestWarnings(body.events)
    return {
      status: 200,
      body: { requestId: ticket, ...(fieldWarnings.length === 0 ? {} : { fieldWarnings }) },
    }
  }
}

const failure = (version: string, errors: readonly Json[]): Json => ({
  '@type': `${type}.ads.googleads.${version}.errors.GoogleAdsFailure`,
  errors,
  requestId,
})

const adsError = (
  code: number,
  status: string,
  version: string,
  errorCode: Readonly<Record<string, string>>,
): PlatformAnswer =>
  rpcError(code, status, 'The request failed.', [
    failure(version, [{ errorCode, message: `The error is ${Object.values(errorCode).join()}.` }]),
  ])

/** v22 ended on 2026-10-07, v26 is the newest. */
const activeVersions: ReadonlySet<string> = new Set(['v23', 'v24', 'v25', 'v26'])

export const createUploadAnswers = (
  ledger: Ledger,
  {
    customerId,
    actions,
    now,
    tagged,
    allowlisted,
  }: Options & { readonly tagged: readonly string[]; readonly allowlisted: boolean },
) => {
  const enhanced = new Set<string>()

  /** What only the account's history can tell. */
  const historyError = (method: Method, conversion: Conversion): RowError | null => {
    if (method === 'uploadClickConversions')
      return isKnown(ledger, conversion)
        ? { category: 'conversionUploadError', code: 'ORDER_ID_ALREADY_IN_USE', field: 'order_id' }
        : null
    const category = 'conversionAdjustmentUploadError'
    if (!tagged.includes(conversion.transactionId))
      return { category, code: 'CONVERSION_NOT_FOUND', field: 'order_id' }
    return enhanced.has(conversion.transactionId)
      ? { category, code: 'CONVERSION_ALREADY_ENHANCED', field: 'order_id' }
      : null
  }

  const keep = (method: Method, conversion: Conversion): void => {
    if (method === 'uploadClickConversions') {
      ledger.received.push(conversion)
      return
    }
    enhanced.add(conversion.transactionId)
    ledger.adjusted.push(conversion)
  }

  return (request: PlatformRequest): PlatformAnswer => {
    const place = /^\/(v\d+)\/customers\/(\d{10}):(\w+)$/.exec(request.path)
    const [, version = '', customer = '', method = ''] = place ?? []
    if (!(method === 'uploadClickConversions' || method === 'uploadConversionAdjustments'))
      return { status: 404, body: '<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>' }
    if (!activeVersions.has(version))
      return adsError(400, 'INVALID_ARGUMENT', version, { requestError: 'UNSUPPORTED_VERSION' })
    if (customerId !== undefined && customer !== customerId)
      return adsError(403, 'PERMISSION_DENIED', version, { authorizationError: 'USER_PERMISSION_DENIED' })
    if (!isJson(request)) return rpcError(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')
    const fault = shapeFault(method, request.json)
    if (fault !== null) return invalid([fault])
    const json = request.json as Json
    if (json['partialFailure'] !== true)
      return adsError(400, 'INVALID_ARGUMENT', version, {
        partialFailureError: 'PARTIAL_FAILURE_MODE_REQUIRED',
      })
    if (method === 'uploadClickConversions' && !allowlisted)
      return adsError(403, 'PERMISSION_DENIED', version, {
        notAllowlistedError: 'CUSTOMER_NOT_ALLOWLISTED_FOR_THIS_FEATURE',
      })

    const { rows } = uploads[method]
    const list = json[rows] as readonly Json[]
    const errors: Json[] = []
    const results = list.map((fields, index): Json => {
      const conversion: Conversion = {
        via: 'google_ads_api',
        action: /\d+$/.exec(String(fields['conversionAction']))?.[0] ?? '',
        transactionId: String(fields['orderId']),
        fields,
      }
      const found =
        rowErrors[method](fields, { customerId: customer, actions, now: now() }) ??
        historyError(method, conversion)
      if (found === null) {
        if (json['validateOnly'] === true) ledger.validated += 1
        else keep(method, conversion)
        return { conversionAction: fields['conversionAction'], orderId: fields['orderId'] }
      }
      errors.push({
        errorCode: { [found.category]: found.code },
        message: `The error is ${found.code}., at ${rows}[${index}].${found.field}`,
        location: {
          fieldPathElements: [
            {
              fieldName: rows === 'conversions' ? rows : 'conversion_adjustments',
              ...(index === 0 ? {} : { index }),
            },
            { fieldName: found.field },
          ],
        },
      })
      return {}
    })
    const partialFailureError = {
      code: 3,
      message: `Multiple errors in ‘details’. First error: ${String(errors[0]?.['message'])}`,
      details: [failure(version, errors)],
    }
    return {
      status: 200,
      headers: { 'request-id': requestId },
      body: {
        ...(errors.length === 0 ? {} : { partialFailureError }),
        ...(json['validateOnly'] === true ? {} : { results }),
        jobId: '2147483999',
      },
    }
  }
}
