import type { ConversionEvent, CustomData } from '../../event/event.ts'
import { cleanProperties, cleanText } from '../clean.ts'

/**
 * The custom data as this webhook may see it. Senders put what they like into properties and visitors what they like into
 * searches; where plain personal data was not asked for, what looks like some is left out there too.
 */
export const customOf = ({ custom }: ConversionEvent, allowPlain: boolean): CustomData => {
  if (allowPlain) return custom
  const { properties, searchString, ...rest } = custom
  const clean = cleanProperties(properties)
  const search = cleanText(searchString)
  return {
    ...rest,
    ...(search === undefined ? {} : { searchString: search }),
    ...(clean.length === 0 ? {} : { properties: Object.fromEntries(clean) }),
  }
}
