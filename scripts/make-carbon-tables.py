#!/usr/bin/env python3
"""Makes src/carbon/tables.c from the published intensity files in ../shared/data/energy.

    scripts/make-carbon-tables.py ../shared/data/energy > src/carbon/tables.c

Facts only: place, grams of CO2e per kilowatt-hour, year. The two-letter codes are ISO 3166-1's.
"""
import csv
import json
import os
import sys

# ISO 3166-1 alpha-3 to alpha-2, for the territories that the intensity file names.
ISO2 = dict(pair.split(":") for pair in """
ABW:AW AFG:AF AGO:AO ALB:AL ARE:AE ARG:AR ARM:AM ASM:AS ATG:AG AUS:AU AUT:AT AZE:AZ BDI:BI BEL:BE
BEN:BJ BFA:BF BGD:BD BGR:BG BHR:BH BHS:BS BIH:BA BLR:BY BLZ:BZ BMU:BM BOL:BO BRA:BR BRB:BB BRN:BN
BTN:BT BWA:BW CAF:CF CAN:CA CHE:CH CHL:CL CHN:CN CIV:CI CMR:CM COD:CD COG:CG COK:CK COL:CO COM:KM
CPV:CV CRI:CR CUB:CU CYM:KY CYP:CY CZE:CZ DEU:DE DJI:DJ DMA:DM DNK:DK DOM:DO DZA:DZ ECU:EC EGY:EG
ERI:ER ESH:EH ESP:ES EST:EE ETH:ET FIN:FI FJI:FJ FLK:FK FRA:FR FRO:FO GAB:GA GBR:GB GEO:GE GHA:GH
GIB:GI GIN:GN GLP:GP GMB:GM GNB:GW GNQ:GQ GRC:GR GRD:GD GRL:GL GTM:GT GUF:GF GUM:GU GUY:GY HKG:HK
HND:HN HRV:HR HTI:HT HUN:HU IDN:ID IND:IN IRL:IE IRN:IR IRQ:IQ ISL:IS ISR:IL ITA:IT JAM:JM JOR:JO
JPN:JP KAZ:KZ KEN:KE KGZ:KG KHM:KH KIR:KI KNA:KN KOR:KR KWT:KW LAO:LA LBN:LB LBR:LR LBY:LY LCA:LC
LKA:LK LSO:LS LTU:LT LUX:LU LVA:LV MAC:MO MAR:MA MDA:MD MDG:MG MDV:MV MEX:MX MKD:MK MLI:ML MLT:MT
MMR:MM MNE:ME MNG:MN MOZ:MZ MRT:MR MSR:MS MTQ:MQ MUS:MU MWI:MW MYS:MY NAM:NA NCL:NC NER:NE NGA:NG
NIC:NI NLD:NL NOR:NO NPL:NP NRU:NR NZL:NZ OMN:OM PAK:PK PAN:PA PER:PE PHL:PH PNG:PG POL:PL PRI:PR
PRK:KP PRT:PT PRY:PY PSE:PS PYF:PF QAT:QA REU:RE ROU:RO RUS:RU RWA:RW SAU:SA SDN:SD SEN:SN SGP:SG
SHN:SH SLB:SB SLE:SL SLV:SV SOM:SO SPM:PM SRB:RS SSD:SS STP:ST SUR:SR SVK:SK SVN:SI SWE:SE SWZ:SZ
SYC:SC SYR:SY TCA:TC TCD:TD TGO:TG THA:TH TJK:TJ TKM:TM TLS:TL TON:TO TTO:TT TUN:TN TUR:TR TWN:TW
TZA:TZ UGA:UG UKR:UA URY:UY USA:US UZB:UZ VCT:VC VEN:VE VGB:VG VIR:VI VNM:VN VUT:VU WSM:WS YEM:YE
ZAF:ZA ZMB:ZM ZWE:ZW
""".split())

PROVINCE_CODES = {
    "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
    "newfoundland and labrador": "NL", "northwest territories": "NT", "nova scotia": "NS",
    "nunavut": "NU", "ontario": "ON", "prince edward island": "PE", "quebec": "QC",
    "saskatchewan": "SK", "yukon": "YT",
}

# Pound per megawatt-hour to gram per kilowatt-hour: the international pound, 453.59237 g.
LB_PER_MWH = 0.45359237
# g/kWh of a Canadian province from the percentages of its mix: stack emissions of the three fuels.
CANADA = {"coal": 995.725971, "petroleum": 816.6885263, "naturalGas": 743.8415916}
# g/kWh by source, for the one country whose intensity is missing (life-cycle; World Nuclear
# Association's comparison for the last four).
SOURCES = {"coal_TWh": 995, "fossil_TWh": 635, "hydroelectricity_TWh": 26, "nuclear_TWh": 29,
           "solar_TWh": 48, "wind_TWh": 26}
# A region that the file misspells, and one that it books under a country with another grid.
CLOUD_FIXES = {"me-cenrtal1": "me-central1"}
CLOUD_COUNTRIES = {"asia-east2": "HKG"}

HEADER = """/*
 * Grams of CO2e per kilowatt-hour by place. Made by scripts/make-carbon-tables.py; do not edit.
 *
 * The figures are facts gathered by github.com/mlco2/codecarbon at b05965e43b69 (2026; MIT licence,
 * Copyright (c) 2019 Mila, BCG Gamma, CometML, Haverford College; Copyright (c) 2023 Code Carbon
 * NGO) from the publishers named per table. Countries: Our World in Data (CC BY), from Ember and
 * the Energy Institute. Computed here: US states from lb/MWh; Canadian provinces from their mix;
 * the Central African Republic, whose intensity the source gives as 0, from its mix.
 */
#include "carbon/tables.h"

/* clang-format off */"""


def load(name):
    with open(os.path.join(sys.argv[1], name), encoding="utf-8") as file:
        return json.load(file)


def number(x):
    return "%.10g" % x


def from_mix(row):
    total = sum(row[key] for key in SOURCES)
    if abs(total - row["total_TWh"]) > 1e-6 or total <= 0:
        sys.exit("%s: the mix does not add up" % row["iso_code"])
    return sum(row[key] * grams for key, grams in SOURCES.items()) / total


def countries():
    out = []
    for iso3, row in sorted(load("global_energy_mix.json").items()):
        grams = row.get("carbon_intensity") or 0
        computed = grams <= 0
        if computed:
            grams = from_mix(row)
        out.append('    {"%s", "%s", "%s", %s, %d, %s},' %
                   (iso3, ISO2[iso3], row["country_name"], number(grams), row["year"],
                    "true" if computed else "false"))
    return out


def title(name):
    return " ".join(w if w in ("of", "and") else w.capitalize() for w in name.split())


def regions():
    out = []
    for name, row in sorted(load("usa_emissions.json").items()):
        if name in ("usa", "_unit"):
            continue
        out.append('    {"USA", "%s", "%s", %s, 2016, SW_CARBON_EGRID},' %
                   (row["regionCode"], title(name), number(row["emissions"] * LB_PER_MWH)))
    for name, mix in sorted(load("canada_energy_mix.json").items()):
        grams = sum(mix[fuel] * factor for fuel, factor in CANADA.items()) / mix["total"]
        out.append('    {"CAN", "%s", "%s", %s, 2023, SW_CARBON_CANADA},' %
                   (PROVINCE_CODES[name], title(name), number(grams)))
    for zone, row in sorted(load("nordic_emissions.json")["data"].items()):
        country = {"SE": "SWE", "NO": "NOR", "FI": "FIN"}[zone[:2]]
        out.append('    {"%s", "%s", "%s", %s, %d, SW_CARBON_NORDIC},' %
                   (country, zone, row["description"].split(" (")[0], number(row["emission_factor"]), row["year"]))
    return out


def clouds():
    out = []
    path = os.path.join(sys.argv[1], "cloud/impact.csv")
    with open(path, encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            region = CLOUD_FIXES.get(row["region"], row["region"])
            country = CLOUD_COUNTRIES.get(region, row["countryIsoCode"])
            out.append('    {"%s", "%s", "%s", "%s", %s},' %
                       (row["provider"], region, country, row["city"], number(float(row["impact"]))))
    return sorted(out)


def table(kind, name, rows):
    return ["const struct %s %s[] = {" % (kind, name), *rows, "};",
            "const size_t sw_n_%s = sizeof %s / sizeof %s[0];" % (name[3:], name, name)]


def main():
    lines = [HEADER]
    lines += table("sw_carbon_country", "sw_carbon_countries", countries()) + [""]
    lines += table("sw_carbon_region", "sw_carbon_regions", regions()) + [""]
    lines += table("sw_carbon_cloud", "sw_carbon_clouds", clouds())
    print("\n".join(lines))


main()
