import { textOf } from './graph.ts'
import type { Thing } from './graph.ts'

/** The best of the numbers by which a product is known, as text: leading zeros are part of it. */
export const productId = (thing: Thing): string | null => {
  for (const name of ['sku', 'productID', 'mpn', 'gtin13', 'gtin12', 'gtin8', 'gtin14', 'gtin']) {
    const id = textOf(thing, name)?.replace(/^sku:/i, '') ?? null
    if (id !== null && id !== '' && id.length <= 100) return id
  }
  return null
}
