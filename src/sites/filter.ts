import type { AnyDestination } from '../destinations/destination.ts'
import type { ConversionEvent } from '../event/event.ts'
import type { Condition } from './integration.ts'

/** An integration's event filters: which events of a type it wants, in the marketer's own conditions. */

export interface EventFilter {
  readonly enabled?: boolean | undefined
  readonly conditions?: readonly Condition[] | undefined
}

type Fact = string | number | boolean | readonly string[] | undefined

/** The facts a condition may ask for; nobody filters on personal data. */
const factOf = (event: ConversionEvent, field: string): Fact => {
  const { custom } = event
  switch (field) {
    case 'type':
      return event.type
    case 'name':
      return event.name
    case 'source':
      return event.source
    case 'ruleId':
      return event.ruleId
    case 'page.url':
      return event.page.url
    case 'page.referrer':
      return event.page.referrer
    case 'value':
      return custom.value
    case 'currency':
      return custom.currency
    case 'orderId':
      return custom.orderId
    case 'contentIds':
      return custom.contentIds
    case 'contentName':
      return custom.contentName
    case 'contentType':
      return custom.contentType
    case 'contentCategory':
      return custom.contentCategory
    case 'numItems':
      return custom.numItems
    case 'searchString':
      return custom.searchString
    default: {
      const name = field.startsWith('properties.') ? field.slice('properties.'.length) : field
      return custom.properties !== undefined && Object.hasOwn(custom.properties, name)
        ? custom.properties[name]
        : undefined
    }
  }
}

const sameScalar = (fact: unknown, wanted: unknown): boolean =>
  fact === wanted || String(fact) === String(wanted)

const compare = (fact: Fact, wanted: unknown, holds: (difference: number) => boolean): boolean => {
  const [left, right] = [Number(fact), Number(wanted)]
  return fact !== undefined && Number.isFinite(left) && Number.isFinite(right) && holds(left - right)
}

const globLike = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('*')
      .map((text) => RegExp.escape(text))
      .join('.*')}$`,
    'i',
  )

const holds = (event: ConversionEvent, { field, operator, value }: Condition): boolean => {
  const fact = factOf(event, field)
  const isOneOf = (): boolean => Array.isArray(value) && value.some((one) => sameScalar(fact, one))
  switch (operator) {
    case 'eq':
      return fact !== undefined && sameScalar(fact, value)
    case 'neq':
      return !sameScalar(fact, value)
    case 'gt':
      return compare(fact, value, (difference) => difference > 0)
    case 'gte':
      return compare(fact, value, (difference) => difference >= 0)
    case 'lt':
      return compare(fact, value, (difference) => difference < 0)
    case 'lte':
      return compare(fact, value, (difference) => difference <= 0)
    case 'in':
      return fact !== undefined && isOneOf()
    case 'nin':
      return !isOneOf()
    case 'contains':
      return Array.isArray(fact)
        ? fact.some((one) => sameScalar(one, value))
        : typeof fact === 'string' && fact.includes(String(value))
    case 'exists':
      return (fact !== undefined) === (value !== false)
    case 'matches':
      return fact !== undefined && globLike(String(value)).test(String(fact))
  }
}

/** `null`: let it pass. Otherwise the condition that failed, in words. */
export const filteredBy = (
  filters: Readonly<Record<string, EventFilter>>,
  event: ConversionEvent,
): string | null => {
  const filter = Object.hasOwn(filters, event.type) ? filters[event.type] : undefined
  if (filter === undefined) return null
  if (filter.enabled === false) return `${event.type} is switched off for this integration`
  const failed = filter.conditions?.find((condition) => !holds(event, condition))
  return failed === undefined
    ? null
    : `filter: ${failed.field} ${failed.operator}${failed.value === undefined ? '' : ` ${JSON.stringify(failed.value)}`} does not hold`
}

/** Meta's cookie `_fbc` holds the click id itself. */
const clicksOf = ({ visitor }: ConversionEvent): ReadonlySet<string> =>
  new Set([...Object.keys(visitor.clickIds), ...(visitor.browserIds.fbc === undefined ? [] : ['fbclid'])])

/**
 * Who brought the visitor gets the event: `null` where one of the click ids is the platform's own, where there are none at
 * all (nobody's click, so everybody's event), and for a platform that has no click ids. Otherwise why not, in words.
 */
export const clickedElsewhere = (destination: AnyDestination, event: ConversionEvent): string | null => {
  const own = destination.clickIds
  const carried = clicksOf(event)
  return own.length === 0 || carried.size === 0 || own.some((name) => carried.has(name))
    ? null
    : `routeByClickId: the click came with ${[...carried].sort().join(', ')}, not with ${own.join(' or ')}`
}
