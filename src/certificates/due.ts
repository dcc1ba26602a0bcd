import type { Pair } from './pair.ts'

/** When to have a certificate issued: arithmetic only. All times in milliseconds since the epoch. */

/** After two thirds of a certificate's life there is a third left for whatever may go wrong. */
export const renewAt = ({ notBefore, notAfter }: Pick<Pair, 'notBefore' | 'notAfter'>): number =>
  notBefore + Math.floor(((notAfter - notBefore) * 2) / 3)

const minute = 60_000

/**
 * After so many failures in a row. Authorities count them and shut out who has too many: Let's Encrypt after five an hour
 * for one name.
 */
export const retryAfter = (failures: number): number => Math.min(5 * 3 ** (failures - 1), 360) * minute
