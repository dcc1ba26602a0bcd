import type { ConversionEvent } from '../../event/event.ts'

/**
 * Where Google wants the visitor's consent with every conversion and takes nobody's address: the European Economic Area, the
 * United Kingdom and Switzerland (https://developers.google.com/data-manager/api/devguides/events/google-ads, 2026-11-20).
 * With them the territories that have their law, or so nearly that doubt is on the visitor's side: the outermost regions of
 * the Union and Åland, Svalbard, the Channel Islands, the Isle of Man and Gibraltar.
 */
const guarded: ReadonlySet<string> = new Set(
  `AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK
IS LI NO
GB CH
AX BL GF GP MF MQ PM RE YT SJ GG JE IM GI`.split(/\s+/),
)

export const isGuarded = (country: string): boolean => guarded.has(country)

/** The visitor's address, where it is known that Google may have it: of whom nobody knows the country it does not go. */
export const addressForGoogle = ({ visitor: { ip, country } }: ConversionEvent): string | undefined =>
  country === undefined || isGuarded(country) ? undefined : ip
