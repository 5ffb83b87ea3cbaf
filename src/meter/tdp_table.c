/*
 * Thermal design power by processor name: 4903 names. Made by scripts/make-tdp-table.py; do not
 * edit.
 *
 * Source: the file codecarbon/data/hardware/cpu_power.csv of github.com/mlco2/codecarbon at
 * b05965e43b69 (2026), collected there from Intel's and AMD's product pages with additions by hand.
 * That project is under the MIT licence, Copyright (c) 2019 Mila, BCG Gamma, CometML, Haverford
 * College; Copyright (c) 2023 Code Carbon NGO. Taken over are facts: names and watts.
 *
 * Group 0 W holds 5 names whose power is malformed there; they are known, their power is not.
 */
#include "meter/tdp.h"

/* clang-format off */
const struct sw_tdp_group sw_tdp_groups[] = {
    {0,
     "Intel Celeron 1000A|Intel Celeron 1100A|Intel Celeron 1200|Intel Celeron 1400|"
     "Intel Quark Microcontroller D1000|"},
    {0.65,
     "Intel Atom Z500|"},
    {1.3,
     "Intel Atom Z600|Intel Atom Z610|Intel Atom Z612|Intel Atom Z620|"},
    {1.4,
     "Intel Atom Z515|"},
    {2,
     "Intel Atom Z3740|Intel Atom Z510|Intel Atom Z520|Intel Atom Z530|"
     "Intel Quark SoC X1000|Intel Quark SoC X1001|Intel Quark SoC X1010|"
     "Intel Quark SoC X1011|Intel Quark SoC X1020|Intel Quark SoC X1020D|"
     "Intel Quark SoC X1021|Intel Quark SoC X1021D|"},
    {2.17,
     "Intel Atom x5-Z8300|Intel Atom x5-Z8330|Intel Atom x5-Z8350|Intel Atom x5-Z8500|"
     "Intel Atom x5-Z8550|Intel Atom x7-Z8700|Intel Atom x7-Z8750|"},
    {2.2,
     "Intel Atom Z510P|Intel Atom Z510PT|Intel Atom Z520PT|Intel Atom Z530P|"
     "Intel Atom Z605|Intel Atom Z615|Intel Atom Z625|"},
    {2.4,
     "Intel Atom Z540|Intel Atom Z550|"},
    {2.5,
     "Intel Atom N270|Intel Atom N280|Intel Atom Z560|"},
    {2.7,
     "Intel Atom E625C|Intel Atom\302\240E625CT|"},
    {3,
     "AMD E1 Micro-6200T|Intel A100|Intel A110|Intel Atom E3805|Intel Atom E625CT|"
     "Intel Atom N2600|Intel Atom Z2420|Intel Atom Z2460|Intel Atom Z2610|"
     "Intel Atom Z2760|Intel Atom Z650|Intel Atom Z670|"},
    {3.3,
     "Intel Atom E620|Intel Atom E620T|"},
    {3.6,
     "Intel Atom E640|Intel Atom E640T|Intel Atom E645C|Intel Atom E660|Intel Atom E660T|"
     "Intel Atom E665C|Intel Atom\302\240E645CT|Intel Atom\302\240E665CT|"},
    {3.95,
     "E1 Micro-6200T|"},
    {4,
     "AMD A10 Micro-6700T|AMD A4 Micro-6400T|AMD A4-1200|Intel Atom 230|Intel Atom E645CT|"
     "Intel Atom Z2480|Intel Atom x6200FE|Intel Celeron N2805|Intel Celeron N2806|"
     "Intel Celeron N2807|Intel Celeron N2808|Intel Celeron N3000|Intel Celeron N3010|"
     "Intel Core M-5Y10|Intel Core M-5Y10a|Intel Core M-5Y10c|Intel Core M-5Y31|"
     "Intel Core M-5Y51|Intel Core M-5Y70|Intel Core M-5Y71|Intel Core i5-7Y54|"
     "Intel Core i5-7Y57|Intel Core i7-7Y75|Intel Core m3-6Y30|Intel Core m3-7Y30|"
     "Intel Core m3-7Y32|Intel Core m5-6Y54|Intel Core m5-6Y57|Intel Core m7-6Y75|"},
    {4.5,
     "A10 Micro-6700T|A4 Micro-6400T|Intel Atom E680|Intel Atom E680T|"},
    {5,
     "AMD Z-60|Intel Atom E3815|Intel Atom N435|Intel Atom x5-E8000|"
     "Intel Celeron M ULV 353|Intel Core 2 Solo ULV SU3300|Intel Core 2 Solo ULV SU3500|"
     "Intel Core Solo ULV U1300|Intel Core Solo ULV U1400|Intel Core Solo ULV U1500|"
     "Intel Core i3-10100Y|Intel Core i5-8200Y|Intel Core i7-8500Y|Intel Core m3-8100Y|"
     "Intel Pentium Gold 6500Y|"},
    {5.5,
     "Intel Atom N450|Intel Celeron M ULV 373|Intel Celeron M ULV 383|"
     "Intel Celeron M ULV 423|Intel Celeron M ULV 443|Intel Celeron M ULV 523|"
     "Intel Celeron M ULV 722|Intel Core 2 Solo SU3300|Intel Core 2 Solo SU3500|"
     "Intel Core 2 Solo ULV U2100|Intel Core 2 Solo ULV U2200|"},
    {6,
     "7th Gen A4-9120C APU|7th Gen A6-9220C APU|AMD 3015Ce|AMD 3015e|AMD 3020e|"
     "AMD 7th Gen A4-9120C APU|AMD 7th Gen A6-9220C APU|AMD A6-9120C SoC|AMD A6-9220C SoC|"
     "AMD Athlon Silver 3050e|AMD Z-01|Intel Atom C2308|Intel Atom C2350|Intel Atom E3825|"
     "Intel Atom N2800|Intel Atom S1240|Intel Atom x5-E3930|Intel Atom x6211E|"
     "Intel Atom x6212RE|Intel Atom x6214RE|Intel Atom x7211E|Intel Atom x7211RE|"
     "Intel Celeron 3965Y|Intel Celeron J3060|Intel Celeron J3160|Intel Celeron N3050|"
     "Intel Celeron N3060|Intel Celeron N3150|Intel Celeron N3160|Intel Celeron N3350|"
     "Intel Celeron N3350E|Intel Celeron N3450|Intel Celeron N4000|Intel Celeron N4020|"
     "Intel Celeron N4100|Intel Celeron N4120|Intel Celeron N4500|Intel Celeron N5100|"
     "Intel Celeron N6210|Intel Celeron N6211|Intel N100|Intel N200|Intel N50|"
     "Intel Pentium 4405Y|Intel Pentium Gold 4410Y|Intel Pentium Gold 4415Y|"
     "Intel Pentium Gold 4425Y|Intel Pentium J3710|Intel Pentium N3700|"
     "Intel Pentium N3710|Intel Pentium N4200|Intel Pentium N4200E|Intel Pentium N6415|"
     "Intel Pentium Silver N5000|Intel Pentium Silver N5030|Intel Pentium Silver N6000|"},
    {6.5,
     "Intel Atom N455|Intel Atom N470|Intel Atom N475|"},
    {7,
     "Intel Atom C2316|Intel Atom C2338|Intel Atom C2358|Intel Atom CE4100|"
     "Intel Atom CE4110|Intel Atom CE4130|Intel Atom CE4150|Intel Atom CE4215|"
     "Intel Atom CE4235|Intel Atom CE4253|Intel Atom CE4255|Intel Atom CE4257|"
     "Intel Atom CE4270|Intel Atom CE4275|Intel Atom CE4277|Intel Atom E3826|"
     "Intel Atom E665CT|Intel Celeron M ULV 333|Intel Celeron M ULV 600|"
     "Intel Celeron M ULV 800|Intel Celeron N2810|Intel Celeron N2815|Intel Celeron N2820|"
     "Intel Celeron N2830|Intel Celeron N2840|Intel Celeron N2910|Intel Celeron N2920|"
     "Intel Celeron N2930|Intel Celeron N2940|Intel Core i3-10110Y|Intel Core i3-N300|"
     "Intel Core i5-10210Y|Intel Core i5-10310Y|Intel Core i5-8210Y|Intel Core i5-8310Y|"
     "Intel Core i7-10510Y|Intel Pentium N3510|Intel Pentium N3520|Intel Pentium N3530|"
     "Intel Pentium N3540|"},
    {7.9,
     "Intel Mobile Celeron LV 266|"},
    {8,
     "AMD A4-1250|AMD A4-1350|AMD A6-1450|AMD Athlon 64 2000+|Intel Atom 330|"
     "Intel Atom C3338|Intel Atom E3827|Intel Atom S1220|Intel Atom S1260|"
     "Intel Atom Z3770|Intel Pentium 75|"},
    {8.5,
     "Intel Atom N550|Intel Atom N570|"},
    {9,
     "AMD Athlon 64 1500+|AMD C-30|AMD C-50|AMD C-60|AMD C-70|AMD E1-2100|AMD E1-2150|"
     "AMD E1-2200|E1-2100|E1-2200|Intel Atom C2508|Intel Atom C2530|Intel Atom C3308|"
     "Intel Atom x5-E3940|Intel Atom x6413E|Intel Atom x6414RE|Intel Atom x6416RE|"
     "Intel Atom x7203C|Intel Atom x7213RE|Intel Atom x7433RE|Intel Core Duo ULV L2400|"
     "Intel Core Duo ULV L2500|Intel Core i3-1000NG4|Intel Pentium 90|"},
    {9.8,
     "Intel Mobile Celeron 266|"},
    {10,
     "AMD A9-9400 SoC|AMD E1-6010|AMD E1-7010|Apple M1|E1-6010|E1-7010|Intel Atom C2516|"
     "Intel Atom C3338R|Intel Atom C3436L|Intel Atom D2500|Intel Atom D2550|"
     "Intel Atom D2560|Intel Atom D2700|Intel Atom D2701|Intel Atom D410|Intel Atom D425|"
     "Intel Atom E3845|Intel Atom x7213E|Intel Celeron 1019Y|Intel Celeron 807UE|"
     "Intel Celeron J1750|Intel Celeron J1800|Intel Celeron J1850|Intel Celeron J1900|"
     "Intel Celeron J3355|Intel Celeron J3355E|Intel Celeron J3455|Intel Celeron J3455E|"
     "Intel Celeron J4005|Intel Celeron J4025|Intel Celeron J4105|Intel Celeron J4125|"
     "Intel Celeron J6412|Intel Celeron J6413|Intel Celeron M ULV 723|"
     "Intel Celeron M ULV 743|Intel Celeron N4505|Intel Celeron N5105|"
     "Intel Celeron SU2300|Intel Celeron ULV 573|Intel Celeron ULV 763|"
     "Intel Core 2 Duo SU7300|Intel Core 2 Duo SU9300|Intel Core 2 Duo SU9400|"
     "Intel Core 2 Duo SU9600|Intel Core 2 Duo U7500|Intel Core 2 Duo U7600|"
     "Intel Core 2 Duo U7700|Intel Core i5-1030NG7|Intel Pentium 2129Y|"
     "Intel Pentium A1020|Intel Pentium J2850|Intel Pentium J2900|Intel Pentium J4205|"
     "Intel Pentium J6426|Intel Pentium SU2700|Intel Pentium SU4100|"
     "Intel Pentium Silver J5005|Intel Pentium Silver J5040|Intel Pentium Silver N6005|"},
    {10.1,
     "Intel Pentium 100|"},
    {11,
     "Intel Atom C3336|Intel Atom C3508|Intel Celeron 2961Y|Intel Core i3-4010Y|"
     "Intel Core i3-4012Y|Intel Core i3-4020Y|Intel Core i3-4030Y|Intel Core i5-4200Y|"
     "Intel Core i5-4202Y|Intel Core i5-4210Y|Intel Core i5-4220Y|Intel Core i5-4300Y|"
     "Intel Core i5-4302Y|Intel Core i7-4610Y|Intel EP80579 Integrated, 600 MHz|"
     "Intel IOC340 I/O Controller|Intel IOP341 I/O|Intel IOP342 I/O|Intel Pentium 3560Y|"
     "Intel Pentium 3561Y|"},
    {11.1,
     "Intel Mobile Celeron 300|"},
    {11.2,
     "Intel Pentium 133|"},
    {11.6,
     "Intel Pentium 150|"},
    {11.7,
     "Intel Atom S1269|"},
    {11.8,
     "Intel Mobile Celeron 333|"},
    {12,
     "Intel Atom C2730|Intel Atom x6425E|Intel Atom x6425RE|Intel Atom x6427FE|"
     "Intel Atom x7-E3950|Intel Atom x7405C|Intel Atom x7425E|Intel Atom x7835RE|"
     "Intel Core 2 Duo SL7100|Intel Core i3-1000G1|Intel Core i3-1000G4|"
     "Intel Core i5-1030G4|Intel Core i5-1030G7|Intel Core i7-1060G7|Intel IOP348 I/O|"
     "Intel N97|"},
    {12.81,
     "Intel Pentium 120|"},
    {13,
     "Intel Atom C2518|Intel Atom D510|Intel Atom D525|Intel Core i3-3229Y|"
     "Intel Core i5-3339Y|Intel Core i5-3439Y|Intel Core i7-3689Y|Intel Xeon E3-1220L v3|"},
    {13.1,
     "Intel Atom S1279|Intel Mobile Celeron 366|Intel Pentium MMX 166|"},
    {13.8,
     "Intel Mobile Celeron 400|"},
    {14,
     "Intel Atom C2550|Intel Celeron 533A|"},
    {14.1,
     "Intel Atom S1289|"},
    {14.5,
     "Intel Pentium 166|"},
    {14.6,
     "Intel Pentium 60|"},
    {15,
     "6th Gen A10-8700P APU|6th Gen A8-8600P APU|6th Gen AMD PRO A10-8700B APU|"
     "6th Gen AMD PRO A12-8800B APU|6th Gen AMD PRO A6-8500B APU|"
     "6th Gen AMD PRO A8-8600B APU|6th Gen FX-8800P APU|7th Gen A10-9600P APU|"
     "7th Gen A12-9700P APU|7th Gen A4-9120 APU|7th Gen A4-9125 APU|7th Gen A6-9210 APU|"
     "7th Gen A6-9220 APU|7th Gen A6-9225 APU|7th Gen A9-9420 APU|7th Gen A9-9425 APU|"
     "7th Gen AMD PRO A10-9700B APU|7th Gen AMD PRO A12-9800B APU|"
     "7th Gen AMD PRO A4-4350B APU|7th Gen AMD PRO A4-5350B APU|"
     "7th Gen AMD PRO A6-7350B APU|7th Gen AMD PRO A6-8350B APU|"
     "7th Gen AMD PRO A6-9500B APU|7th Gen AMD PRO A8-9600B APU|7th Gen E2-9010 APU|"
     "7th Gen FX 9800P APU|A4 PRO-3350B|A4-5000|A4-5100|A4-6210|A6-6310|A6-7310|A6-8500P|"
     "A8-6410|A8-7410|AMD 6th Gen A10-8700P APU|AMD 6th Gen A8-8600P APU|"
     "AMD 6th Gen AMD PRO A10-8700B APU|AMD 6th Gen AMD PRO A12-8800B APU|"
     "AMD 6th Gen AMD PRO A6-8500B APU|AMD 6th Gen AMD PRO A8-8600B APU|"
     "AMD 6th Gen FX-8800P APU|AMD 7th Gen A10-9600P APU|AMD 7th Gen A12-9700P APU|"
     "AMD 7th Gen A4-9120 APU|AMD 7th Gen A4-9125 APU|AMD 7th Gen A6-9210 APU|"
     "AMD 7th Gen A6-9220 APU|AMD 7th Gen A6-9225 APU|AMD 7th Gen A9-9420 APU|"
     "AMD 7th Gen A9-9425 APU|AMD 7th Gen AMD PRO A10-9700B APU|"
     "AMD 7th Gen AMD PRO A12-9800B APU|AMD 7th Gen AMD PRO A4-4350B APU|"
     "AMD 7th Gen AMD PRO A4-5350B APU|AMD 7th Gen AMD PRO A6-7350B APU|"
     "AMD 7th Gen AMD PRO A6-8350B APU|AMD 7th Gen AMD PRO A6-9500B APU|"
     "AMD 7th Gen AMD PRO A8-9600B APU|AMD 7th Gen E2-9010 APU|AMD 7th Gen FX 9800P APU|"
     "AMD A4 PRO-3350B|AMD A4-5000|AMD A4-5050|AMD A4-5100|AMD A4-6210|AMD A6-6310|"
     "AMD A6-7310|AMD A6-8500P|AMD A8-6410|AMD A8-7410|AMD A9-9420 SoC|AMD A9-9425 SoC|"
     "AMD Athlon  Silver 3050C|AMD Athlon 300U|AMD Athlon 64 2600+|AMD Athlon 64 2650e|"
     "AMD Athlon Gold 3150C|AMD Athlon Gold 3150U|AMD Athlon Gold 7220C|"
     "AMD Athlon Gold 7220U|AMD Athlon PRO 200U Mobile|"
     "AMD Athlon PRO 200U Mobile Processor|AMD Athlon PRO 300U|AMD Athlon PRO 300U Mobile|"
     "AMD Athlon PRO 300U Mobile Processor|AMD Athlon PRO 3045B|AMD Athlon PRO 3145B|"
     "AMD Athlon Silver 3050C|AMD Athlon Silver 3050U|AMD Athlon Silver 7120C|"
     "AMD Athlon Silver 7120U|AMD E1-2500|AMD E2-3000|AMD E2-3800|AMD E2-6110|"
     "AMD Ryzen 3 2200U|AMD Ryzen 3 2300U|AMD Ryzen 3 3200U|AMD Ryzen 3 3250C|"
     "AMD Ryzen 3 3250U|AMD Ryzen 3 3300U|AMD Ryzen 3 3350U|AMD Ryzen 3 4300U|"
     "AMD Ryzen 3 5125C|AMD Ryzen 3 5300U|AMD Ryzen 3 5400U|AMD Ryzen 3 5425C|"
     "AMD Ryzen 3 5425U|AMD Ryzen 3 7320C|AMD Ryzen 3 7320U|AMD Ryzen 3 7330U|"
     "AMD Ryzen 3 PRO 2300U|AMD Ryzen 3 PRO 3300U|AMD Ryzen 3 PRO 4450U|"
     "AMD Ryzen 3 PRO 5450U|AMD Ryzen 3 PRO 5475U|AMD Ryzen 3 PRO 7330U|AMD Ryzen 5 2500U|"
     "AMD Ryzen 5 3450U|AMD Ryzen 5 3500C|AMD Ryzen 5 3500U|AMD Ryzen 5 3580U|"
     "AMD Ryzen 5 3580U Microsoft Surface Edition|"
     "AMD Ryzen 5 3580U Microsoft Surface\302\256 Edition|AMD Ryzen 5 4500U|AMD Ryzen 5 4600U|"
     "AMD Ryzen 5 4680U Microsoft Surface Edition|"
     "AMD Ryzen 5 4680U Microsoft Surface\302\256 Edition|AMD Ryzen 5 5500U|AMD Ryzen 5 5560U|"
     "AMD Ryzen 5 5600U|AMD Ryzen 5 5625C|AMD Ryzen 5 5625U|AMD Ryzen 5 7430U|"
     "AMD Ryzen 5 7520C|AMD Ryzen 5 7520U|AMD Ryzen 5 7530U|AMD Ryzen 5 PRO 2500U|"
     "AMD Ryzen 5 PRO 3500U|AMD Ryzen 5 PRO 4650U|AMD Ryzen 5 PRO 5650U|"
     "AMD Ryzen 5 PRO 5675U|AMD Ryzen 5 PRO 7530U|AMD Ryzen 7 2700U|AMD Ryzen 7 3700C|"
     "AMD Ryzen 7 3700U|AMD Ryzen 7 3780U|AMD Ryzen 7 3780U Microsoft Surface Edition|"
     "AMD Ryzen 7 3780U Microsoft Surface\302\256 Edition|AMD Ryzen 7 4700U|AMD Ryzen 7 4800U|"
     "AMD Ryzen 7 4980U Microsoft Surface Edition|"
     "AMD Ryzen 7 4980U Microsoft Surface\302\256 Edition|AMD Ryzen 7 5700U|AMD Ryzen 7 5800U|"
     "AMD Ryzen 7 5825C|AMD Ryzen 7 5825U|AMD Ryzen 7 7730U|AMD Ryzen 7 PRO 2700U|"
     "AMD Ryzen 7 PRO 3700U|AMD Ryzen 7 PRO 4750U|AMD Ryzen 7 PRO 5850U|"
     "AMD Ryzen 7 PRO 5875U|AMD Ryzen 7 PRO 7730U|AMD Ryzen Embedded V1202B|"
     "AMD Ryzen Embedded V1605B|E1-2500|E2-3000|E2-3800|E2-6110|Intel Atom C2538|"
     "Intel Atom C2558|Intel Atom C3538|Intel Atom CE5315|Intel Celeron 2955U|"
     "Intel Celeron 2957U|Intel Celeron 2980U|Intel Celeron 2981U|Intel Celeron 3205U|"
     "Intel Celeron 3215U|Intel Celeron 3755U|Intel Celeron 3765U|Intel Celeron 3855U|"
     "Intel Celeron 3865U|Intel Celeron 3867U|Intel Celeron 3955U|Intel Celeron 3965U|"
     "Intel Celeron 4205U|Intel Celeron 4305U|Intel Celeron 4305UE|Intel Celeron 5205U|"
     "Intel Celeron 5305U|Intel Celeron 6305|Intel Celeron 6305E|Intel Celeron 7305L|"
     "Intel Core Duo LV L2300|Intel Core Duo LV L2400|Intel Core Duo LV L2500|"
     "Intel Core i3-1005G1|Intel Core i3-10110U|Intel Core i3-1110G4|"
     "Intel Core i3-1115G4E|Intel Core i3-1115GRE|Intel Core i3-1120G4|"
     "Intel Core i3-1215UL|Intel Core i3-1315UE|Intel Core i3-1315URE|Intel Core i3-4005U|"
     "Intel Core i3-4010U|Intel Core i3-4025U|Intel Core i3-4030U|Intel Core i3-4100U|"
     "Intel Core i3-4120U|Intel Core i3-5005U|Intel Core i3-5010U|Intel Core i3-5015U|"
     "Intel Core i3-5020U|Intel Core i3-6006U|Intel Core i3-6100U|Intel Core i3-7020U|"
     "Intel Core i3-7100U|Intel Core i3-7130U|Intel Core i3-8130U|Intel Core i3-8140U|"
     "Intel Core i3-8145U|Intel Core i3-8145UE|Intel Core i3-N305|Intel Core i5-10210U|"
     "Intel Core i5-10310U|Intel Core i5-1035G1|Intel Core i5-1035G4|Intel Core i5-1035G7|"
     "Intel Core i5-1130G7|Intel Core i5-1140G7|Intel Core i5-1145G7E|"
     "Intel Core i5-1145GRE|Intel Core i5-1235UL|Intel Core i5-1245UL|"
     "Intel Core i5-1345UE|Intel Core i5-1345URE|Intel Core i5-4200U|Intel Core i5-4210U|"
     "Intel Core i5-4250U|Intel Core i5-4260U|Intel Core i5-4300U|Intel Core i5-4310U|"
     "Intel Core i5-4350U|Intel Core i5-4360U|Intel Core i5-5200U|Intel Core i5-5250U|"
     "Intel Core i5-5300U|Intel Core i5-5350U|Intel Core i5-6198DU|Intel Core i5-6200U|"
     "Intel Core i5-6260U|Intel Core i5-6300U|Intel Core i5-6360U|Intel Core i5-7200U|"
     "Intel Core i5-7260U|Intel Core i5-7300U|Intel Core i5-7360U|Intel Core i5-8250U|"
     "Intel Core i5-8257U|Intel Core i5-8260U|Intel Core i5-8265U|Intel Core i5-8350U|"
     "Intel Core i5-8365U|Intel Core i5-8365UE|Intel Core i7-10510U|Intel Core i7-10610U|"
     "Intel Core i7-1065G7|Intel Core i7-10710U|Intel Core i7-10810U|Intel Core i7-1160G7|"
     "Intel Core i7-1180G7|Intel Core i7-1185G7E|Intel Core i7-1185GRE|"
     "Intel Core i7-1255UL|Intel Core i7-1265UL|Intel Core i7-1365UE|"
     "Intel Core i7-1365URE|Intel Core i7-1366URE|Intel Core i7-4500U|Intel Core i7-4510U|"
     "Intel Core i7-4550U|Intel Core i7-4600U|Intel Core i7-4650U|Intel Core i7-5500U|"
     "Intel Core i7-5550U|Intel Core i7-5600U|Intel Core i7-5650U|Intel Core i7-6498DU|"
     "Intel Core i7-6500U|Intel Core i7-6560U|Intel Core i7-6600U|Intel Core i7-6650U|"
     "Intel Core i7-6660U|Intel Core i7-7500U|Intel Core i7-7560U|Intel Core i7-7600U|"
     "Intel Core i7-7660U|Intel Core i7-8550U|Intel Core i7-8557U|Intel Core i7-8565U|"
     "Intel Core i7-8650U|Intel Core i7-8665U|Intel Core i7-8665UE|Intel Pentium 350|"
     "Intel Pentium 3556U|Intel Pentium 3558U|Intel Pentium 3805U|Intel Pentium 3825U|"
     "Intel Pentium 4405U|Intel Pentium 6805|Intel Pentium B915C|Intel Pentium B925C|"
     "Intel Pentium Gold 4415U|Intel Pentium Gold 4417U|Intel Pentium Gold 5405U|"
     "Intel Pentium Gold 6405U|Intel Pentium Gold 7505|"},
    {15.5,
     "Intel Pentium 200|"},
    {15.7,
     "Intel Pentium MMX 200|"},
    {15.8,
     "Intel Celeron 600|"},
    {16,
     "Intel Atom C3558|Intel Pentium 66|"},
    {16.5,
     "Intel Celeron 633|"},
    {16.59,
     "Intel Celeron 266|"},
    {17,
     "A6-7000|AMD A4-4355M|AMD A4-5145M|AMD A6-4455M|AMD A6-5345M|AMD A6-7000|"
     "AMD Opteron X1150|Intel Atom C3558R|Intel Atom C3708|Intel Celeron 1007U|"
     "Intel Celeron 1017U|Intel Celeron 1037U|Intel Celeron 1047UE|Intel Celeron 725C|"
     "Intel Celeron 787|Intel Celeron 797|Intel Celeron 807|Intel Celeron 827E|"
     "Intel Celeron 847|Intel Celeron 847E|Intel Celeron 857|Intel Celeron 867|"
     "Intel Celeron 877|Intel Celeron 887|Intel Celeron 927UE|Intel Core 2 Duo L7200|"
     "Intel Core 2 Duo L7300|Intel Core 2 Duo L7400|Intel Core 2 Duo L7500|"
     "Intel Core 2 Duo L7700|Intel Core 2 Duo SL9300|Intel Core 2 Duo SL9380|"
     "Intel Core 2 Duo SL9400|Intel Core 2 Duo SL9600|Intel Core i3-2340UE|"
     "Intel Core i3-2357M|Intel Core i3-2365M|Intel Core i3-2367M|Intel Core i3-2375M|"
     "Intel Core i3-2377M|Intel Core i3-3217U|Intel Core i3-3217UE|Intel Core i3-3227U|"
     "Intel Core i5-2467M|Intel Core i5-2537M|Intel Core i5-2557M|Intel Core i5-3317U|"
     "Intel Core i5-3337U|Intel Core i5-3427U|Intel Core i5-3437U|Intel Core i7-2610UE|"
     "Intel Core i7-2617M|Intel Core i7-2637M|Intel Core i7-2657M|Intel Core i7-2677M|"
     "Intel Core i7-3517U|Intel Core i7-3517UE|Intel Core i7-3537U|Intel Core i7-3667U|"
     "Intel Core i7-3687U|Intel Pentium 2117U|Intel Pentium 2127U|Intel Pentium 957|"
     "Intel Pentium 967|Intel Pentium 977|Intel Pentium 987|Intel Pentium 997|"
     "Intel Pentium MMX 233|Intel Xeon E3-1220L v2|X1150|"},
    {17.5,
     "Intel Celeron 667|"},
    {17.8,
     "Intel Celeron 300A|"},
    {18,
     "AMD E-240|AMD E-300|AMD E-350|AMD E-450|AMD E1-1200|AMD E1-1500|AMD E2-1800|"
     "AMD E2-2000|Intel Atom C2718|Intel Celeron U3400|Intel Celeron U3405|"
     "Intel Celeron U3600|Intel Core i3-330UM|Intel Core i3-380UM|Intel Core i5-430UM|"
     "Intel Core i5-470UM|Intel Core i5-520UM|Intel Core i5-540UM|Intel Core i5-560UM|"
     "Intel Core i7-620UE|Intel Core i7-620UM|Intel Core i7-640UM|Intel Core i7-660UE|"
     "Intel Core i7-660UM|Intel Core i7-680UM|Intel EP80579 Integrated, 1066 MHz|"
     "Intel Pentium U5400|Intel Pentium U5600|"},
    {18.3,
     "Intel Celeron 700|"},
    {18.48,
     "Intel Celeron 300|"},
    {19,
     "A10 PRO-7350B|AMD A10 PRO-7350B|AMD A8-4555M|Intel Celeron 220|"
     "Intel EP80579 Integrated, 1200 MHz|Intel Pentium D1509|"},
    {19.2,
     "Intel Celeron 566|Intel Pentium III Xeon 600|"},
    {19.4,
     "Intel Mobile Celeron 433|"},
    {19.7,
     "Intel Celeron 333|"},
    {20,
     "A10-7300|A8-7100|AMD A10-7300|AMD A8-7100|AMD FX-7500|FX-7500|Intel Atom C2738|"
     "Intel Atom C2750|Intel Atom C2758|Intel Celeron 766|Intel Core 2 Duo SP7500|"
     "Intel Core 2 Duo SP7700|Intel EP80579 Integrated|Intel Pentium D1507|"
     "Intel Xeon D-1529|Intel Xeon E3-1220L|Intel Xeon L5215|"},
    {20.7,
     "Intel Mobile Celeron 466|"},
    {20.8,
     "Intel Celeron 800|"},
    {21,
     "Intel Atom C3750|Intel Atom C3830|Intel Celeron 205|Intel Celeron M 350|"
     "Intel Celeron M 360|Intel Celeron M 370|Intel Celeron M 380|Intel Celeron M 390|"
     "Intel Pentium 4-M 1.40|Intel Pentium M 715|Intel Pentium M 725|Intel Pentium M 735|"
     "Intel Pentium M 745|Intel Pentium M 755|Intel Pentium M 765|"},
    {21.3,
     "Intel Pentium III Xeon 667|"},
    {21.7,
     "Intel Celeron 366|"},
    {22,
     "AMD Athlon 64 2850e|AMD Opteron X2150|AMD Opteron X2150 APU|AMD Turion 64 MT-28|"
     "AMD Turion 64 MT-30|"},
    {23,
     "Intel Xeon LC3518|"},
    {23.3,
     "Intel Pentium III Xeon 733|"},
    {23.6,
     "Intel Celeron 733|"},
    {23.7,
     "Intel Celeron 400|"},
    {24,
     "Intel Atom C3950|Intel Pentium M 1.30|Intel Pentium M 1.40|Intel Pentium M 1.50|"
     "Intel Pentium M 1.60|Intel Pentium M 1.70|"},
    {24.1,
     "Intel Celeron 433|"},
    {24.5,
     "Intel Celeron M 310|Intel Celeron M 320|Intel Celeron M 330|Intel Celeron M 340|"},
    {25,
     "3320 EE|7th Gen A9-9410 APU|A4 PRO-3340B|A6-5200|A6-5200M|AMD A10-4655M|"
     "AMD A10-5745M|AMD A4 PRO-3340B|AMD A6-5200|AMD A6-5200M|AMD A8-5545M|"
     "AMD A9-9410 SoC|AMD Athlon 5150 APU|AMD Athlon 5350 APU|AMD Athlon 5370 APU|"
     "AMD Athlon 64 3100+|AMD Athlon II X2 250u|AMD Athlon II X2 260u|"
     "AMD Athlon II X2 270u|AMD Athlon X2 QL-62|AMD Opteron 3320 EE|AMD Opteron A1120|"
     "AMD Opteron X2170|AMD Opteron X2170 APU|AMD Sempron 2650 APU|AMD Sempron 3100+|"
     "AMD Sempron 3850 APU|AMD Turion 64 MT-32|AMD Turion 64 MT-34|AMD Turion 64 MT-37|"
     "AMD Turion 64 MT-40|Athlon 5150 APU|Athlon 5350 APU|Athlon 5370 APU|"
     "Intel Atom C3758|Intel Atom C3808|Intel Atom C3850|Intel Atom C3858|"
     "Intel Atom x7809C|Intel Celeron 2002E|Intel Celeron G3902E|Intel Celeron G4932E|"
     "Intel Core 2 Duo P7350|Intel Core 2 Duo P7370|Intel Core 2 Duo P7450|"
     "Intel Core 2 Duo P7550|Intel Core 2 Duo P7570|Intel Core 2 Duo P8400|"
     "Intel Core 2 Duo P8600|Intel Core 2 Duo P8700|Intel Core 2 Duo P8800|"
     "Intel Core 2 Duo P9500|Intel Core 2 Duo P9600|Intel Core 2 Duo SP9300|"
     "Intel Core 2 Duo SP9400|Intel Core 2 Duo SP9600|Intel Core i3-2115C|"
     "Intel Core i3-3115C|Intel Core i3-4102E|Intel Core i3-4112E|Intel Core i3-6102E|"
     "Intel Core i3-7102E|Intel Core i3-9100HL|Intel Core i5-4402E|Intel Core i5-4422E|"
     "Intel Core i5-6442EQ|Intel Core i5-7442EQ|Intel Core i7-2629M|Intel Core i7-2649M|"
     "Intel Core i7-2655LE|Intel Core i7-3555LE|Intel Core i7-620LE|Intel Core i7-620LM|"
     "Intel Core i7-640LM|Intel Core i7-660LM|Intel Core i7-6822EQ|Intel Core i7-9850HL|"
     "Intel Pentium D1508|Intel Pentium D1517|Intel Pentium D1519|Intel Xeon D-1702|"
     "Intel Xeon E-2254ML|Intel Xeon E-2276ML|Intel Xeon E3-1105C|Intel Xeon E3-1105C v2|"
     "Intel Xeon E3-1230L v3|Intel Xeon E3-1235L v5|Intel Xeon E3-1240L v3|"
     "Intel Xeon E3-1240L v5|Intel Xeon E3-1501L v6|Intel Xeon E3-1505L v5|"
     "Intel Xeon E3-1505L v6|Intel Xeon W-11155MLE|Intel Xeon W-11555MLE|"
     "Intel Xeon W-11865MLE|Sempron 2650 APU|Sempron 3850 APU|"},
    {25.4,
     "Intel Pentium III Xeon 800|"},
    {25.7,
     "Intel Celeron 466|Intel Celeron 850|"},
    {26,
     "Intel Atom C3758R|Intel Pentium 4-M 1.50|"},
    {27,
     "Intel Celeron 1.66|Intel Celeron 1.83|Intel Celeron 215|Intel Celeron 500|"
     "Intel Celeron 530|Intel Celeron 560|Intel Celeron 570|Intel Celeron M 410|"
     "Intel Celeron M 420|Intel Celeron M 430|Intel Celeron M 440|Intel Celeron M 450|"
     "Intel Core Solo T1200|Intel Core Solo T1300|Intel Core Solo T1350|"
     "Intel Core Solo T1400|Intel Core i5-4402EC|Intel Core i7-4702EC|"
     "Intel Pentium III 933|Intel Pentium M 730|Intel Pentium M 740|Intel Pentium M 750|"
     "Intel Pentium M 760|Intel Pentium M 770|Intel Pentium M 780|Intel Xeon D-1602|"},
    {28,
     "AMD Ryzen 3 210|AMD Ryzen 3 7335U|AMD Ryzen 3 7440U|AMD Ryzen 3 8440U|"
     "AMD Ryzen 3 PRO 210|AMD Ryzen 5 220|AMD Ryzen 5 230|AMD Ryzen 5 7535U|"
     "AMD Ryzen 5 7540U|AMD Ryzen 5 7545U|AMD Ryzen 5 7640U|AMD Ryzen 5 8540U|"
     "AMD Ryzen 5 8640HS|AMD Ryzen 5 8640U|AMD Ryzen 5 PRO 220|AMD Ryzen 5 PRO 230|"
     "AMD Ryzen 5 PRO 8540U|AMD Ryzen 5 PRO 8640HS|AMD Ryzen 5 PRO 8640U|AMD Ryzen 7 250|"
     "AMD Ryzen 7 7735U|AMD Ryzen 7 7840U|AMD Ryzen 7 8840HS|AMD Ryzen 7 8840U|"
     "AMD Ryzen 7 PRO 250|AMD Ryzen 7 PRO 6860Z|AMD Ryzen 7 PRO 8840HS|"
     "AMD Ryzen 7 PRO 8840U|AMD Ryzen AI 5 340|AMD Ryzen AI 5 PRO 340|AMD Ryzen AI 7 350|"
     "AMD Ryzen AI 7 PRO 350|AMD Ryzen AI 7 PRO 360|AMD Ryzen AI 9 365|"
     "AMD Ryzen AI 9 HX 370|AMD Ryzen AI 9 HX 375|AMD Ryzen AI 9 HX PRO 370|"
     "AMD Ryzen AI 9 HX PRO 375|AMD Ryzen Z1|AMD Ryzen Z1 Extreme|AMD Ryzen Z2|"
     "AMD Ryzen Z2 Extreme|AMD Ryzen Z2 Go|Intel Celeron 950|Intel Core 2 Duo P9700|"
     "Intel Core Ultra 7 155H|Intel Core Ultra 7 165H|Intel Core Ultra 7 265H|"
     "Intel Core i3-1115G4|Intel Core i3-1125G4|Intel Core i3-1320PE|"
     "Intel Core i3-1320PRE|Intel Core i3-4158U|Intel Core i3-5157U|Intel Core i3-6157U|"
     "Intel Core i3-6167U|Intel Core i3-7167U|Intel Core i3-8109U|Intel Core i3-8121U|"
     "Intel Core i5-1038NG7|Intel Core i5-1135G7|Intel Core i5-1145G7|"
     "Intel Core i5-1155G7|Intel Core i5-1350PRE|Intel Core i5-4258U|Intel Core i5-4278U|"
     "Intel Core i5-4288U|Intel Core i5-4308U|Intel Core i5-5257U|Intel Core i5-5287U|"
     "Intel Core i5-6267U|Intel Core i5-6287U|Intel Core i5-7267U|Intel Core i5-7287U|"
     "Intel Core i5-8259U|Intel Core i5-8269U|Intel Core i5-8279U|Intel Core i7-1068G7|"
     "Intel Core i7-1068NG7|Intel Core i7-11370H|Intel Core i7-1165G7|"
     "Intel Core i7-1185G7|Intel Core i7-1195G7|Intel Core i7-1360P|Intel Core i7-1370PE|"
     "Intel Core i7-1370PRE|Intel Core i7-1375PRE|Intel Core i7-4558U|Intel Core i7-4578U|"
     "Intel Core i7-5557U|Intel Core i7-6567U|Intel Core i7-7567U|Intel Core i7-8559U|"
     "Intel Core i7-8569U|Intel Core m3-8114Y|"},
    {28.3,
     "Intel Celeron 533|"},
    {29,
     "Intel Celeron 1.00|Intel Pentium III 1000|Intel Pentium III 1133|"
     "Intel Pentium III 1133S|"},
    {29.6,
     "Intel Pentium III Xeon 700|Intel Pentium III Xeon 866|Intel Pentium III Xeon 933|"},
    {30,
     "AMD Opteron 140 EE|AMD Opteron 240 EE|AMD Opteron 840 EE|"
     "ARMv8 Processor rev 0 (v8l)|Intel Celeron 540|Intel Celeron 550|Intel Celeron M 520|"
     "Intel Celeron M 530|Intel Celeron P1053|Intel Pentium 4-M 1.60|"
     "Intel Pentium 4-M 1.70|Intel Pentium 4-M 1.80|Intel Pentium III 1000S|"
     "Intel Pentium III 1200|Intel Pentium III 1266S|Intel Pentium III 1333|"
     "Intel Xeon L3014|Intel Xeon L3403|Intel Xeon L3406|Intel Xeon LV 1.6|"},
    {30.8,
     "Intel Pentium III Xeon 1.00|"},
    {31,
     "AMD Turion X2 RM-70|Intel Atom C3958|Intel Celeron 575|Intel Celeron 585|"
     "Intel Core Duo T2050|Intel Core Duo T2250|Intel Core Duo T2300|Intel Core Duo T2400|"
     "Intel Core Duo T2500|Intel Core Duo T2600|Intel Core Duo T2700|"
     "Intel Pentium Dual-Core T2060|Intel Pentium Dual-Core T2080|"
     "Intel Pentium Dual-Core T2130|Intel Pentium Dual-Core T2350|Intel Pentium III 1400|"
     "TL-52|TL-60|"},
    {32,
     "AMD Athlon 64 2700+|AMD Athlon 64 2800+|AMD Opteron A1150|AMD Opteron A1170|"
     "AMD Turion 64 ML-28|AMD Turion X2 Ultra ZM-80|Intel Atom C3955|Intel Atom C5310|"
     "Intel Pentium 4-M 1.90|Intel Pentium 4-M 2.00|Intel Pentium III 1400S|"},
    {33,
     "Intel Celeron 1.10|"},
    {33.4,
     "Intel Celeron 1300|"},
    {34,
     "Intel Core 2 Duo T5300|Intel Pentium III Xeon 550|"},
    {35,
     "4256 EE|4310 EE|6th Gen AMD PRO A10-8770E APU|6th Gen AMD PRO A12-8870E APU|"
     "6th Gen AMD PRO A6-8570E APU|7th Gen A10-9630P APU|7th Gen A10-9700E APU|"
     "7th Gen A12-9730P APU|7th Gen A12-9800E APU|7th Gen A6-9500E APU|"
     "7th Gen AMD PRO A10-9700E APU|7th Gen AMD PRO A10-9730B APU|"
     "7th Gen AMD PRO A12-9800E APU|7th Gen AMD PRO A12-9830B APU|"
     "7th Gen AMD PRO A6-9500E APU|7th Gen AMD PRO A8-9630B|7th Gen FX 9830P APU|"
     "A10-7400P|A6-5350M|AMD 6th Gen AMD PRO A10-8770E APU|"
     "AMD 6th Gen AMD PRO A12-8870E APU|AMD 6th Gen AMD PRO A6-8570E APU|"
     "AMD 7th Gen A10-9630P APU|AMD 7th Gen A10-9700E APU|AMD 7th Gen A12-9730P APU|"
     "AMD 7th Gen A12-9800E APU|AMD 7th Gen A6-9500E APU|"
     "AMD 7th Gen AMD PRO A10-9700E APU|AMD 7th Gen AMD PRO A10-9730B APU|"
     "AMD 7th Gen AMD PRO A12-9800E APU|AMD 7th Gen AMD PRO A12-9830B APU|"
     "AMD 7th Gen AMD PRO A6-9500E APU|AMD 7th Gen AMD PRO A8-9630B|"
     "AMD 7th Gen FX 9830P APU|AMD A10-4600M|AMD A10-5750M|AMD A10-5757M|AMD A10-7400P|"
     "AMD A10-9700E|AMD A12-9800E|AMD A4-3300M|AMD A4-3305M|AMD A4-3310MX|AMD A4-3320M|"
     "AMD A4-4300M|AMD A4-5150M|AMD A6-3400M|AMD A6-3420M|AMD A6-4400M|AMD A6-5350M|"
     "AMD A6-5357M|AMD A6-9500E|AMD A8-3500M|AMD A8-3520M|AMD A8-4500M|AMD A8-5550M|"
     "AMD A8-5557M|AMD Athlon 200GE|AMD Athlon 220GE|AMD Athlon 240GE|AMD Athlon 3000G|"
     "AMD Athlon 300GE|AMD Athlon 320GE|AMD Athlon 64 3500+ EE|"
     "AMD Athlon 64 X2 3800+ EE SFF|AMD Athlon Gold 3150GE|"
     "AMD Athlon Gold 3150GE (OEM Only)|AMD Athlon Gold PRO 3150GE|AMD Athlon PRO 200GE|"
     "AMD Athlon PRO 300GE|AMD Athlon Silver 3050GE|AMD Athlon Silver 3050GE (OEM Only)|"
     "AMD Athlon Silver PRO 3125GE|AMD Athlon X2 QL-60|AMD Athlon X2 QL-64|"
     "AMD Athlon X2 QL-65|AMD Athlon X2 QL-67|AMD E2-3000M|AMD FX-7600P|"
     "AMD Mobile Athlon 64 2700+|AMD N640|AMD N660|AMD N870|AMD N960|AMD N970|"
     "AMD Opteron 4256 EE|AMD Opteron 4310 EE|AMD Opteron 43CX EE|AMD P650|AMD P860|"
     "AMD Ryzen 3 2200GE|AMD Ryzen 3 3200GE (OEM Only)|AMD Ryzen 3 4300GE|"
     "AMD Ryzen 3 4300GE (OEM Only)|AMD Ryzen 3 5300GE (OEM Only)|AMD Ryzen 3 5305GE|"
     "AMD Ryzen 3 8300GE|AMD Ryzen 3 PRO 2200GE|AMD Ryzen 3 PRO 3200GE|"
     "AMD Ryzen 3 PRO 4350GE|AMD Ryzen 3 PRO 4355GE|AMD Ryzen 3 PRO 5350GE|"
     "AMD Ryzen 3 PRO 5355GE|AMD Ryzen 3 PRO 8300GE|AMD Ryzen 5 2400GE|"
     "AMD Ryzen 5 3400GE (OEM Only)|AMD Ryzen 5 3550H|AMD Ryzen 5 4600GE|"
     "AMD Ryzen 5 4600GE (OEM Only)|AMD Ryzen 5 4600HS|AMD Ryzen 5 5600GE|"
     "AMD Ryzen 5 5600HS|AMD Ryzen 5 5605GE|AMD Ryzen 5 6600HS\342\200\213|AMD Ryzen 5 8500GE|"
     "AMD Ryzen 5 PRO 2400GE|AMD Ryzen 5 PRO 3350GE|AMD Ryzen 5 PRO 3400GE|"
     "AMD Ryzen 5 PRO 4650GE|AMD Ryzen 5 PRO 4655GE|AMD Ryzen 5 PRO 5650GE|"
     "AMD Ryzen 5 PRO 5655GE|AMD Ryzen 5 PRO 6650HS|AMD Ryzen 5 PRO 8500GE|"
     "AMD Ryzen 5 PRO 8600GE|AMD Ryzen 7 3750H|AMD Ryzen 7 4700GE|"
     "AMD Ryzen 7 4700GE (OEM Only)|AMD Ryzen 7 5700GE|AMD Ryzen 7 5705GE|"
     "AMD Ryzen 7 5800HS|AMD Ryzen 7 6800HS|AMD Ryzen 7 PRO 4750GE|AMD Ryzen 7 PRO 5750GE|"
     "AMD Ryzen 7 PRO 5755GE|AMD Ryzen 7 PRO 6850HS|AMD Ryzen 7 PRO 8700GE|"
     "AMD Ryzen 9 4900HS|AMD Ryzen 9 5900HS|AMD Ryzen 9 5980HS|AMD Ryzen 9 6900HS\342\200\213|"
     "AMD Ryzen 9 6980HS|AMD Ryzen 9 PRO 6950HS|AMD Sempron 3000+ EE SFF|"
     "AMD Sempron 3200+ EE SFF|AMD Sempron 3400+ EE SFF|AMD Sempron 3500+ EE SFF|"
     "AMD Turion 64 ML-30|AMD Turion 64 ML-32|AMD Turion 64 ML-34|AMD Turion 64 ML-37|"
     "AMD Turion 64 ML-40|AMD Turion 64 ML-42|AMD Turion 64 ML-44|AMD Turion X2 RM-72|"
     "AMD Turion X2 RM-74|AMD Turion X2 RM-75|AMD Turion X2 RM-77|"
     "AMD Turion X2 Ultra ZM-82|AMD Turion X2 Ultra ZM-84|AMD Turion X2 Ultra ZM-85|"
     "AMD Turion X2 Ultra ZM-86|AMD Turion X2 Ultra ZM-87|AMD Turion X2 Ultra ZM-88|"
     "FX-7600P|Intel Celeron 1000M|Intel Celeron 1005M|Intel Celeron 1020E|"
     "Intel Celeron 1020M|Intel Celeron 420|Intel Celeron 430|Intel Celeron 440|"
     "Intel Celeron 450|Intel Celeron 6600HE|Intel Celeron 900|Intel Celeron 925|"
     "Intel Celeron B710|Intel Celeron B720|Intel Celeron B730|Intel Celeron B800|"
     "Intel Celeron B810|Intel Celeron B810E|Intel Celeron B815|Intel Celeron B820|"
     "Intel Celeron B830|Intel Celeron B840|Intel Celeron G1610T|Intel Celeron G1620T|"
     "Intel Celeron G1820T|Intel Celeron G1820TE|Intel Celeron G1840T|"
     "Intel Celeron G3900E|Intel Celeron G3900T|Intel Celeron G3900TE|"
     "Intel Celeron G3930T|Intel Celeron G3930TE|Intel Celeron G440|Intel Celeron G460|"
     "Intel Celeron G465|Intel Celeron G470|Intel Celeron G4900T|Intel Celeron G4930E|"
     "Intel Celeron G4930T|Intel Celeron G530T|Intel Celeron G540T|Intel Celeron G550T|"
     "Intel Celeron G5900T|Intel Celeron G5900TE|Intel Celeron G5905T|Intel Celeron P4500|"
     "Intel Celeron P4505|Intel Celeron P4600|Intel Celeron T1400|Intel Celeron T1500|"
     "Intel Celeron T1600|Intel Celeron T1700|Intel Celeron T3000|Intel Celeron T3100|"
     "Intel Celeron T3300|Intel Celeron T3500|Intel Core 2 Duo E8135|"
     "Intel Core 2 Duo E8335|Intel Core 2 Duo T5200|Intel Core 2 Duo T5250|"
     "Intel Core 2 Duo T5270|Intel Core 2 Duo T5450|Intel Core 2 Duo T5470|"
     "Intel Core 2 Duo T5500|Intel Core 2 Duo T5550|Intel Core 2 Duo T5600|"
     "Intel Core 2 Duo T5670|Intel Core 2 Duo T5750|Intel Core 2 Duo T5800|"
     "Intel Core 2 Duo T5850|Intel Core 2 Duo T5870|Intel Core 2 Duo T5900|"
     "Intel Core 2 Duo T6400|Intel Core 2 Duo T6500|Intel Core 2 Duo T6570|"
     "Intel Core 2 Duo T6600|Intel Core 2 Duo T6670|Intel Core 2 Duo T6900|"
     "Intel Core 2 Duo T6970|Intel Core 2 Duo T7100|Intel Core 2 Duo T7200|"
     "Intel Core 2 Duo T7250|Intel Core 2 Duo T7300|Intel Core 2 Duo T7400|"
     "Intel Core 2 Duo T7500|Intel Core 2 Duo T7600|Intel Core 2 Duo T7600G|"
     "Intel Core 2 Duo T7700|Intel Core 2 Duo T7800|Intel Core 2 Duo T8100|"
     "Intel Core 2 Duo T8300|Intel Core 2 Duo T9300|Intel Core 2 Duo T9400|"
     "Intel Core 2 Duo T9500|Intel Core 2 Duo T9550|Intel Core 2 Duo T9600|"
     "Intel Core 2 Duo T9800|Intel Core 2 Duo T9900|Intel Core i3-10100T|"
     "Intel Core i3-10100TE|Intel Core i3-10105T|Intel Core i3-10300T|"
     "Intel Core i3-10305T|Intel Core i3-13100TE|Intel Core i3-2100T|Intel Core i3-2120T|"
     "Intel Core i3-2308M|Intel Core i3-2310E|Intel Core i3-2310M|Intel Core i3-2312M|"
     "Intel Core i3-2328M|Intel Core i3-2330E|Intel Core i3-2330M|Intel Core i3-2332M|"
     "Intel Core i3-2348M|Intel Core i3-2350M|Intel Core i3-2370M|Intel Core i3-3110M|"
     "Intel Core i3-3120M|Intel Core i3-3120ME|Intel Core i3-3130M|Intel Core i3-3220T|"
     "Intel Core i3-3240T|Intel Core i3-3250T|Intel Core i3-330E|Intel Core i3-330M|"
     "Intel Core i3-350M|Intel Core i3-370M|Intel Core i3-380M|Intel Core i3-390M|"
     "Intel Core i3-4130T|Intel Core i3-4150T|Intel Core i3-4160T|Intel Core i3-4170T|"
     "Intel Core i3-4330T|Intel Core i3-4330TE|Intel Core i3-4340TE|Intel Core i3-4350T|"
     "Intel Core i3-4360T|Intel Core i3-4370T|Intel Core i3-6100E|Intel Core i3-6100H|"
     "Intel Core i3-6100T|Intel Core i3-6100TE|Intel Core i3-6300T|Intel Core i3-7100E|"
     "Intel Core i3-7100H|Intel Core i3-7100T|Intel Core i3-7101TE|Intel Core i3-7120T|"
     "Intel Core i3-7300T|Intel Core i3-7320T|Intel Core i3-8100T|Intel Core i3-8300T|"
     "Intel Core i3-9100T|Intel Core i3-9100TE|Intel Core i3-9300T|Intel Core i5-10400T|"
     "Intel Core i5-10500T|Intel Core i5-10500TE|Intel Core i5-10600T|"
     "Intel Core i5-11300H|Intel Core i5-11320H|Intel Core i5-11400T|Intel Core i5-11500T|"
     "Intel Core i5-11600T|Intel Core i5-13500TE|Intel Core i5-2390T|Intel Core i5-2410M|"
     "Intel Core i5-2415M|Intel Core i5-2430M|Intel Core i5-2435M|Intel Core i5-2450M|"
     "Intel Core i5-2510E|Intel Core i5-2515E|Intel Core i5-2520M|Intel Core i5-2540M|"
     "Intel Core i5-3210M|Intel Core i5-3230M|Intel Core i5-3320M|Intel Core i5-3340M|"
     "Intel Core i5-3360M|Intel Core i5-3365M|Intel Core i5-3380M|Intel Core i5-3470T|"
     "Intel Core i5-3610ME|Intel Core i5-430M|Intel Core i5-4460T|Intel Core i5-450M|"
     "Intel Core i5-4570T|Intel Core i5-4570TE|Intel Core i5-4590T|Intel Core i5-460M|"
     "Intel Core i5-480M|Intel Core i5-520E|Intel Core i5-520M|Intel Core i5-540M|"
     "Intel Core i5-560M|Intel Core i5-580M|Intel Core i5-6400T|Intel Core i5-6500T|"
     "Intel Core i5-6500TE|Intel Core i5-6600T|Intel Core i5-7400T|Intel Core i5-7500T|"
     "Intel Core i5-7600T|Intel Core i5-8400T|Intel Core i5-8420T|Intel Core i5-8500T|"
     "Intel Core i5-8600T|Intel Core i5-9400T|Intel Core i5-9500T|Intel Core i5-9500TE|"
     "Intel Core i5-9600T|Intel Core i7-10700T|Intel Core i7-10700TE|Intel Core i7-11375H|"
     "Intel Core i7-11390H|Intel Core i7-11700T|Intel Core i7-13700TE|Intel Core i7-2620M|"
     "Intel Core i7-2640M|Intel Core i7-3520M|Intel Core i7-3525M|Intel Core i7-3540M|"
     "Intel Core i7-3612QE|Intel Core i7-3612QM|Intel Core i7-3632QM|Intel Core i7-4765T|"
     "Intel Core i7-4785T|Intel Core i7-610E|Intel Core i7-620M|Intel Core i7-640M|"
     "Intel Core i7-6700T|Intel Core i7-6700TE|Intel Core i7-7700T|Intel Core i7-8670T|"
     "Intel Core i7-8700T|Intel Core i7-9700T|Intel Core i7-9700TE|Intel Core i9-10900T|"
     "Intel Core i9-10900TE|Intel Core i9-11900T|Intel Core i9-13900TE|"
     "Intel Core i9-9900T|Intel Pentium 2020M|Intel Pentium 2030M|Intel Pentium 4-M 2.20|"
     "Intel Pentium 4-M 2.40|Intel Pentium 4-M 2.50|Intel Pentium 4-M 2.60|"
     "Intel Pentium A1018|Intel Pentium B940|Intel Pentium B950|Intel Pentium B960|"
     "Intel Pentium B970|Intel Pentium B980|Intel Pentium Dual-Core T2310|"
     "Intel Pentium Dual-Core T2330|Intel Pentium Dual-Core T2370|"
     "Intel Pentium Dual-Core T2390|Intel Pentium Dual-Core T2410|"
     "Intel Pentium Dual-Core T3200|Intel Pentium Dual-Core T3400|"
     "Intel Pentium Dual-Core T4200|Intel Pentium Dual-Core T4300|"
     "Intel Pentium Dual-Core T4400|Intel Pentium Dual-Core T4500|Intel Pentium G2020T|"
     "Intel Pentium G2030T|Intel Pentium G2100T|Intel Pentium G2120T|Intel Pentium G3220T|"
     "Intel Pentium G3240T|Intel Pentium G3250T|Intel Pentium G3260T|"
     "Intel Pentium G3320TE|Intel Pentium G3420T|Intel Pentium G3440T|"
     "Intel Pentium G3450T|Intel Pentium G3460T|Intel Pentium G4400T|"
     "Intel Pentium G4400TE|Intel Pentium G4500T|Intel Pentium G4560T|"
     "Intel Pentium G4600T|Intel Pentium G620T|Intel Pentium G630T|Intel Pentium G640T|"
     "Intel Pentium G645T|Intel Pentium G860T|Intel Pentium Gold G5400T|"
     "Intel Pentium Gold G5420T|Intel Pentium Gold G5500T|Intel Pentium Gold G5600E|"
     "Intel Pentium Gold G5600T|Intel Pentium Gold G6400T|Intel Pentium Gold G6400TE|"
     "Intel Pentium Gold G6405T|Intel Pentium Gold G6500T|Intel Pentium Gold G6505T|"
     "Intel Pentium P6000|Intel Pentium P6100|Intel Pentium P6200|Intel Pentium P6300|"
     "Intel Pentium T4200|Intel Pentium T4300|Intel Pentium T4400|Intel Pentium T4500|"
     "Intel Xeon D-1513N|Intel Xeon D-1518|Intel Xeon D-1527|Intel Xeon D-1528|"
     "Intel Xeon D-1537|Intel Xeon D-1539|Intel Xeon D-1623N|Intel Xeon E-2278GEL|"
     "Intel Xeon E3-1265L v4|Intel Xeon E3-1268L v5|Intel Xeon E3-1565L v5|"
     "Intel Xeon L5238|Intel Xeon LC3528|Intel Xeon LV 2.0|Intel Xeon LV 5138|"
     "Intel Xeon W-1250TE|Intel Xeon W-1270TE|Intel Xeon W-1290T|Intel Xeon W-1290TE|"
     "Intel Xeon W-1390T|N640|N660|N870|N960|N970|P650|P860|TL-64|"},
    {36,
     "Intel Xeon D-1722NE|"},
    {36.2,
     "Intel Pentium III Xeon 500|"},
    {37,
     "Intel Celeron 2000E|Intel Celeron 2950M|Intel Celeron 2970M|Intel Core i3-4000M|"
     "Intel Core i3-4010M|Intel Core i3-4100E|Intel Core i3-4100M|Intel Core i3-4110E|"
     "Intel Core i3-4110M|Intel Core i5-4200M|Intel Core i5-4210M|Intel Core i5-4300M|"
     "Intel Core i5-4310M|Intel Core i5-4330M|Intel Core i5-4340M|Intel Core i5-4400E|"
     "Intel Core i5-4410E|Intel Core i7-4600M|Intel Core i7-4610M|Intel Core i7-4702HQ|"
     "Intel Core i7-4702MQ|Intel Core i7-4712HQ|Intel Core i7-4712MQ|Intel Core i7-4722HQ|"
     "Intel Pentium 3550M|Intel Pentium 3560M|"},
    {38,
     "AMD Athlon 600|AMD Athlon 650|Intel Atom C5315|Intel Pentium III 800|"
     "Intel Pentium III 866|Intel Xeon D-1714|Intel Xeon L5508|"},
    {38.1,
     "Intel Pentium II Xeon 400|"},
    {39.3,
     "Intel Pentium III Xeon 900|"},
    {40,
     "4365|AMD Athlon 700|AMD Opteron 4365|Intel Pentium 1405|Intel Pentium 1405 v2|"
     "Intel Xeon 5148|Intel Xeon D-1622|Intel Xeon D-1712TR|Intel Xeon E3-1125C|"
     "Intel Xeon E3-1125C v2|Intel Xeon E5-2618L|Intel Xeon L5240|Intel Xeon L5318|"
     "Intel Xeon L5408|Intel Xeon L5609|Intel Xeon L5618|Intel Xeon L5630|"
     "Intel Xeon LV 2.4|Intel Xeon LV 5113|Intel Xeon LV 5128|Intel Xeon LV 5133|"
     "Intel Xeon LV 5148|"},
    {41,
     "Intel Atom C5320|Intel Atom C5325|"},
    {42,
     "Intel Xeon D-1813NT|Intel Xeon D-1834|"},
    {43,
     "Intel Atom C5115|Intel Core i7-4700EC|"},
    {44,
     "Intel Core 2 Duo E8235|Intel Core 2 Duo E8435|Intel Core 2 Extreme X7800|"
     "Intel Core 2 Extreme X7900|Intel Core 2 Extreme X9000|Intel Core 2 Extreme X9100|"},
    {45,
     "255e|3260 HE|3350 HE|425e|620e|A10-6700T|A10-6790B|A10-6800B|A8-6500T|AMD A10-6700T|"
     "AMD A10-6790B|AMD A10-6800B|AMD A4-3330MX|AMD A6-3410MX|AMD A6-3430MX|AMD A8-3510MX|"
     "AMD A8-3530MX|AMD A8-3550MX|AMD A8-6500T|AMD A8-7680|AMD Athlon 255e|"
     "AMD Athlon 425e|AMD Athlon 620e|AMD Athlon 64 LE-1600|AMD Athlon 64 LE-1620|"
     "AMD Athlon 64 LE-1640|AMD Athlon 64 LE-1640B|AMD Athlon 64 LE-1660|AMD Athlon 800|"
     "AMD Athlon II X2 210e|AMD Athlon II X2 235e|AMD Athlon II X2 240e|"
     "AMD Athlon II X2 245e|AMD Athlon II X2 250e|AMD Athlon II X3 400e|"
     "AMD Athlon II X3 405e|AMD Athlon II X3 415e|AMD Athlon II X3 420e|"
     "AMD Athlon II X3 425e|AMD Athlon II X4 600e|AMD Athlon II X4 605e|"
     "AMD Athlon II X4 610e|AMD Athlon II X4 615e|AMD Athlon II X4 620e|"
     "AMD Athlon X2 4050e|AMD Athlon X2 4450e|AMD Athlon X2 4850e|AMD Athlon X2 5050e|"
     "AMD Athlon X2 BE-2300|AMD Athlon X2 BE-2350|AMD Athlon X2 BE-2400|"
     "AMD Athlon XP-M 2000+|AMD Athlon XP-M 2200+|AMD Athlon XP-M 2400+|"
     "AMD Athlon XP-M 2500+|AMD Athlon XP-M 2600+|AMD Athlon XP-M 3000+|"
     "AMD Opteron 3250 HE|AMD Opteron 3260 HE|AMD Opteron 3350 HE|AMD Ryzen 5 240|"
     "AMD Ryzen 5 2600E|AMD Ryzen 5 2600H|AMD Ryzen 5 4600H|AMD Ryzen 5 5500H|"
     "AMD Ryzen 5 5600H|AMD Ryzen 5 6600H|AMD Ryzen 5 7235HS|AMD Ryzen 5 8645HS|"
     "AMD Ryzen 5 PRO 6650H|AMD Ryzen 5 PRO 8645HS|AMD Ryzen 7 260|AMD Ryzen 7 2700E|"
     "AMD Ryzen 7 2700E Processor|AMD Ryzen 7 2800H|AMD Ryzen 7 4800H|AMD Ryzen 7 4800HS|"
     "AMD Ryzen 7 5800H|AMD Ryzen 7 6800H|AMD Ryzen 7 7435HS|AMD Ryzen 7 8845HS|"
     "AMD Ryzen 7 PRO 6850H|AMD Ryzen 7 PRO 8845HS|AMD Ryzen 9 270|AMD Ryzen 9 5900HX|"
     "AMD Ryzen 9 5980HX|AMD Ryzen 9 6900HX|AMD Ryzen 9 6980HX|AMD Ryzen 9 8945HS|"
     "AMD Ryzen 9 PRO 6950H|AMD Ryzen 9 PRO 8945HS|AMD Ryzen Embedded V1756B|"
     "AMD Ryzen Embedded V1807B|AMD Sempron 130|AMD Sempron 140|AMD Sempron 145|"
     "AMD Sempron 150|AMD Sempron 180|AMD Sempron LE-1100|AMD Sempron LE-1150|"
     "AMD Sempron LE-1200|AMD Sempron LE-1250|AMD Sempron LE-1300|AMD X940|"
     "Intel Core 2 Extreme QX9300|Intel Core 2 Quad Q9000|Intel Core 2 Quad Q9100|"
     "Intel Core 3 201TE|Intel Core 5 211TE|Intel Core 5 221TE|Intel Core 7 251TE|"
     "Intel Core i3-11100HE|Intel Core i3-13300HE|Intel Core i3-13300HRE|"
     "Intel Core i3-8100H|Intel Core i5 processor 14401TE|Intel Core i5 processor 14501TE|"
     "Intel Core i5-10200H|Intel Core i5-10300H|Intel Core i5-10400H|Intel Core i5-10500H|"
     "Intel Core i5-11260H|Intel Core i5-11400H|Intel Core i5-11500H|"
     "Intel Core i5-11500HE|Intel Core i5-13600HRE|Intel Core i5-2500T|"
     "Intel Core i5-3570T|Intel Core i5-4670T|Intel Core i5-4690T|Intel Core i5-6300HQ|"
     "Intel Core i5-6350HQ|Intel Core i5-6440EQ|Intel Core i5-6440HQ|Intel Core i5-7300HQ|"
     "Intel Core i5-7440EQ|Intel Core i5-7440HQ|Intel Core i5-8300H|Intel Core i5-8400H|"
     "Intel Core i5-9300H|Intel Core i5-9300HF|Intel Core i5-9400H|"
     "Intel Core i7 processor 14701TE|Intel Core i7-10750H|Intel Core i7-10850H|"
     "Intel Core i7-10870H|Intel Core i7-10875H|Intel Core i7-10885H|Intel Core i7-11600H|"
     "Intel Core i7-11800H|Intel Core i7-11850H|Intel Core i7-11850HE|"
     "Intel Core i7-12700H|Intel Core i7-13800HE|Intel Core i7-13800HRE|"
     "Intel Core i7-2630QM|Intel Core i7-2635QM|Intel Core i7-2670QM|Intel Core i7-2675QM|"
     "Intel Core i7-2710QE|Intel Core i7-2715QE|Intel Core i7-2720QM|Intel Core i7-2760QM|"
     "Intel Core i7-2820QM|Intel Core i7-2860QM|Intel Core i7-3610QE|Intel Core i7-3610QM|"
     "Intel Core i7-3615QE|Intel Core i7-3615QM|Intel Core i7-3630QM|Intel Core i7-3635QM|"
     "Intel Core i7-3720QM|Intel Core i7-3740QM|Intel Core i7-3770T|Intel Core i7-3820QM|"
     "Intel Core i7-3840QM|Intel Core i7-4770T|Intel Core i7-4770TE|Intel Core i7-4790T|"
     "Intel Core i7-6700HQ|Intel Core i7-6770HQ|Intel Core i7-6820EQ|Intel Core i7-6820HK|"
     "Intel Core i7-6820HQ|Intel Core i7-6870HQ|Intel Core i7-6920HQ|Intel Core i7-6970HQ|"
     "Intel Core i7-720QM|Intel Core i7-740QM|Intel Core i7-7700HQ|Intel Core i7-7820EQ|"
     "Intel Core i7-7820HK|Intel Core i7-7820HQ|Intel Core i7-7920HQ|Intel Core i7-820QM|"
     "Intel Core i7-840QM|Intel Core i7-8750H|Intel Core i7-8850H|Intel Core i7-9750H|"
     "Intel Core i7-9750HF|Intel Core i7-9850H|Intel Core i7-9850HE|"
     "Intel Core i9 processor 14901TE|Intel Core i9-10885H|Intel Core i9-10980HK|"
     "Intel Core i9-8950HK|Intel Core i9-9880H|Intel Core i9-9980HK|Intel Core\302\240i7-2720QM|"
     "Intel Core\302\240i7-2760QM|Intel Xeon D-1520|Intel Xeon D-1521|Intel Xeon D-1523N|"
     "Intel Xeon D-1524N|Intel Xeon D-1531|Intel Xeon D-1533N|Intel Xeon D-1540|"
     "Intel Xeon D-1541|Intel Xeon D-1543N|Intel Xeon D-1548|Intel Xeon D-1557|"
     "Intel Xeon D-1559|Intel Xeon D-1571|Intel Xeon D-1577|Intel Xeon D-1627|"
     "Intel Xeon D-1633N|Intel Xeon D-1649N|Intel Xeon D-1713NT|Intel Xeon D-1713NTE|"
     "Intel Xeon D-1731NTE|Intel Xeon E-2176M|Intel Xeon E-2186M|Intel Xeon E-2254ME|"
     "Intel Xeon E-2276M|Intel Xeon E-2276ME|Intel Xeon E-2286M|Intel Xeon E3-1260L|"
     "Intel Xeon E3-1260L v5|Intel Xeon E3-1265L|Intel Xeon E3-1265L v2|"
     "Intel Xeon E3-1265L v3|Intel Xeon E3-1268L v3|Intel Xeon E3-1270L v4|"
     "Intel Xeon E3-1275L v3|Intel Xeon E3-1501M v6|Intel Xeon E3-1505M v5|"
     "Intel Xeon E3-1505M v6|Intel Xeon E3-1515M v5|Intel Xeon E3-1535M v5|"
     "Intel Xeon E3-1535M v6|Intel Xeon E3-1545M v5|Intel Xeon E3-1558L v5|"
     "Intel Xeon E3-1575M v5|Intel Xeon E3-1578L v5|Intel Xeon E3-1585L v5|"
     "Intel Xeon E5-2408L v3|Intel Xeon L3110|Intel Xeon L3426|Intel Xeon W-10855M|"
     "Intel Xeon W-10885M|Intel Xeon W-11955M|X940|"},
    {46,
     "Intel Xeon D-1718T|"},
    {46.7,
     "Intel Pentium II Xeon 450|"},
    {47,
     "AMD Athlon 850|Intel Core i5-4200H|Intel Core i5-4210H|Intel Core i5-5350H|"
     "Intel Core i7-4700EQ|Intel Core i7-4700HQ|Intel Core i7-4700MQ|Intel Core i7-4701EQ|"
     "Intel Core i7-4710HQ|Intel Core i7-4710MQ|Intel Core i7-4720HQ|Intel Core i7-4750HQ|"
     "Intel Core i7-4760HQ|Intel Core i7-4770HQ|Intel Core i7-4800MQ|Intel Core i7-4810MQ|"
     "Intel Core i7-4850EQ|Intel Core i7-4850HQ|Intel Core i7-4860EQ|Intel Core i7-4860HQ|"
     "Intel Core i7-4870HQ|Intel Core i7-4900MQ|Intel Core i7-4910MQ|Intel Core i7-4950HQ|"
     "Intel Core i7-4960HQ|Intel Core i7-4980HQ|Intel Core i7-5700EQ|Intel Core i7-5700HQ|"
     "Intel Core i7-5750HQ|Intel Core i7-5850EQ|Intel Core i7-5850HQ|Intel Core i7-5950HQ|"
     "Intel Xeon E3-1258L v4|Intel Xeon E3-1278L v4|Intel Xeon E3-1283L v4|"
     "Intel Xeon E3-1284L v4|"},
    {48,
     "Intel Atom P5721|Intel Xeon LC5518|Intel Xeon MP 1.5|"},
    {50,
     "AMD Athlon 900|AMD Athlon XP 1700+|AMD EPYC Embedded 3251|Intel Atom C5125|"
     "Intel Atom C5335C1|Intel Xeon D-1715TER|Intel Xeon D-1734NT|Intel Xeon E5-2418L|"
     "Intel Xeon E5-2418L v2|Intel Xeon E5-2418L v3|Intel Xeon E5-2449L|"
     "Intel Xeon E5-2608L v4|Intel Xeon E5-2618L v2|Intel Xeon L5310|Intel Xeon L5320|"
     "Intel Xeon L5335|Intel Xeon L5410|Intel Xeon L5420|Intel Xeon L5430|"
     "Intel Xeon L7345|Intel Xeon L7445|"},
    {51,
     "AMD Athlon XP 1800+|Intel Celeron G3900|Intel Celeron G3920|Intel Celeron G3930|"
     "Intel Celeron G3950|Intel Core i3-6100|Intel Core i3-6300|Intel Core i3-6320|"
     "Intel Core i3-7100|Intel Core i3-7120|Intel Core i3-7300|Intel Core i3-7320|"
     "Intel Core i3-7340|Intel Pentium G4500|Intel Pentium G4520|Intel Pentium G4600|"
     "Intel Pentium G4620|"},
    {52,
     "AMD Athlon 950|Intel Pentium 4 1.3|Intel Xeon D-1732TE|Intel Xeon E5-2608L v3|"},
    {52.8,
     "Intel Celeron 2.0|"},
    {53,
     "AMD Athlon XP 1900+|Intel Celeron G1820|Intel Celeron G1830|Intel Celeron G1840|"
     "Intel Celeron G1850|Intel Pentium G3220|Intel Pentium G3240|Intel Pentium G3250|"
     "Intel Pentium G3258|Intel Pentium G3260|Intel Pentium G3420|Intel Pentium G3430|"
     "Intel Pentium G3440|Intel Pentium G3450|Intel Pentium G3460|Intel Pentium G3470|"
     "Intel Xeon D-1733NT|"},
    {54,
     "AMD Athlon 1000|AMD Ryzen 5 7533HS|AMD Ryzen 5 7535HS|AMD Ryzen 5 7640HS|"
     "AMD Ryzen 7 7735HS|AMD Ryzen 7 7840HS|AMD Ryzen 9 4900H|AMD Ryzen 9 7940HS|"
     "Intel Atom P5731|Intel Celeron G3930E|Intel Celeron G4900|Intel Celeron G4920|"
     "Intel Celeron G4930|Intel Celeron G4950|Intel Core i3-4130|Intel Core i3-4150|"
     "Intel Core i3-4160|Intel Core i3-4170|Intel Core i3-4330|Intel Core i3-4340|"
     "Intel Core i3-4350|Intel Core i3-4360|Intel Core i3-4370|Intel Core i3-6098P|"
     "Intel Core i3-7101E|Intel Pentium G4400|Intel Pentium G4560|"
     "Intel Pentium Gold G5420|Intel Pentium Gold G5500|Intel Pentium Gold G5600|"
     "Intel Pentium Gold G5620|"},
    {55,
     "AMD Opteron 146 HE|AMD Opteron 148 HE|AMD Opteron 246 HE|AMD Opteron 248 HE|"
     "AMD Opteron 250 HE|AMD Opteron 846 HE|AMD Opteron 848 HE|AMD Opteron 850 HE|"
     "AMD Opteron X2 260 HE|AMD Opteron X2 265 HE|AMD Opteron X2 270 HE|"
     "AMD Opteron X2 275 HE|AMD Opteron X2 860 HE|AMD Opteron X2 865 HE|"
     "AMD Opteron X2 870 HE|AMD Opteron X2 875 HE|AMD Ryzen 5 7645HX|AMD Ryzen 7 7745HX|"
     "AMD Ryzen 7 7840HX|AMD Ryzen 7 8745HX|AMD Ryzen 7 8840HX|AMD Ryzen 9 7845HX|"
     "AMD Ryzen 9 7940HX|AMD Ryzen 9 7945HX|AMD Ryzen 9 7945HX3D|AMD Ryzen 9 8940HX|"
     "AMD Ryzen 9 8945HX|AMD Ryzen 9 9850HX|AMD Ryzen 9 9955HX|AMD Ryzen 9 9955HX3D|"
     "AMD Ryzen AI Max 385|AMD Ryzen AI Max 390|AMD Ryzen AI Max PRO 380|"
     "AMD Ryzen AI Max PRO 385|AMD Ryzen AI Max PRO 390|AMD Ryzen AI Max+ 395|"
     "AMD Ryzen AI Max+ PRO 395|Intel Atom P5322|Intel Celeron G1610|Intel Celeron G1620|"
     "Intel Celeron G1630|Intel Core i3-3210|Intel Core i3-3220|Intel Core i3-3225|"
     "Intel Core i3-3240|Intel Core i3-3245|Intel Core i3-3250|Intel Core i5-1335U|"
     "Intel Core i7-2920XM|Intel Core i7-2920XM Extreme Edition|Intel Core i7-2960XM|"
     "Intel Core i7-2960XM Extreme Edition|Intel Core i7-3920XM|"
     "Intel Core i7-3920XM Extreme Edition|Intel Core i7-3940XM|"
     "Intel Core i7-3940XM Extreme Edition|Intel Core i7-920XM|Intel Core i7-940XM|"
     "Intel Core i9-14900HX|Intel Pentium 4 1.4|Intel Pentium G2010|Intel Pentium G2020|"
     "Intel Pentium G2030|Intel Pentium G2120|Intel Pentium G2130|Intel Pentium G2140|"
     "Intel Xeon 1.8|Intel Xeon 6315P|Intel Xeon 6325P|Intel Xeon D-1637|"
     "Intel Xeon D-1736|Intel Xeon D-1823NT|Intel Xeon D-1844NT|Intel Xeon D-1846|"
     "Intel Xeon E-2414|Intel Xeon E-2434|Intel Xeon E3-1135C v2|Intel Xeon E5-2428L v3|"
     "Intel Xeon E5-2630L v3|Intel Xeon E5-2630L v4|Intel Xeon L5248|Intel Xeon LV 2.8|"
     "Intel Xeon LV 3.0|Intel Xeon MP 1.9|"},
    {55.5,
     "Intel Celeron 2.1|"},
    {56,
     "Intel Xeon 1.4|"},
    {57,
     "Intel Core i7-4930MX|Intel Core i7-4930MX Extreme Edition|Intel Core i7-4940MX|"
     "Intel Core i7-4940MX Extreme Edition|Intel Xeon D-1848TER|Intel Xeon MP 2.0|"},
    {57.1,
     "Intel Celeron 2.2|"},
    {58,
     "Intel Celeron G5900|Intel Celeron G5900E|Intel Celeron G5905|Intel Celeron G5920|"
     "Intel Celeron G5925|Intel Core 3 201EF|Intel Pentium 4 1.5|Intel Pentium Gold G5400|"
     "Intel Pentium Gold G6400|Intel Pentium Gold G6400E|Intel Pentium Gold G6405|"
     "Intel Pentium Gold G6500|Intel Pentium Gold G6505|Intel Pentium Gold G6600|"
     "Intel Pentium Gold G6605|Intel Xeon 2.0A|Intel Xeon 2.0B|"},
    {58.3,
     "Intel Celeron 2.3|"},
    {59,
     "AMD Athlon 64 3500+ (F3)|AMD Athlon 64 3800+ (F3)|AMD Athlon 64 4000+ (F3)|"
     "Intel Xeon D-1735TR|"},
    {59.2,
     "Intel Xeon 1.5|"},
    {59.8,
     "Intel Celeron 2.4|"},
    {60,
     "AMD Athlon 1100|AMD Athlon XP 1500+|AMD Athlon XP 2000+|Intel Celeron 1.5|"
     "Intel Core 3 201E|Intel Core i3-13100E|Intel Core i3-7350K|"
     "Intel Mobile Pentium 4 2.40|Intel Xeon 2.6|Intel Xeon D-2123IT|Intel Xeon E5-1428L|"
     "Intel Xeon E5-1428L v2|Intel Xeon E5-2428L|Intel Xeon E5-2428L v2|"
     "Intel Xeon E5-2430L|Intel Xeon E5-2430L v2|Intel Xeon E5-2450L v2|"
     "Intel Xeon E5-2628L|Intel Xeon E5-2630L|Intel Xeon E5-2630L v2|Intel Xeon L5506|"
     "Intel Xeon L5518|Intel Xeon L5520|Intel Xeon L5530|Intel Xeon L5638|"
     "Intel Xeon L5639|Intel Xeon L5640|Intel Xeon L5645|Intel Xeon LC5528|"},
    {61,
     "Intel Atom P5332|Intel Celeron 2.5|Intel Pentium 4 1.6|Intel Xeon 2.2|"},
    {62,
     "AMD Athlon 64 3000+|AMD Athlon 64 3500+|AMD Mobile Athlon 64 3000+|"
     "AMD Mobile Athlon 64 3200+|AMD Mobile Athlon 64 3400+|AMD Sempron 2200+|"
     "AMD Sempron 2300+|AMD Sempron 2400+|AMD Sempron 2500+|AMD Sempron 2600+|"
     "AMD Sempron 2800+|AMD Sempron 3000+|AMD Sempron 3200+|AMD Sempron 3300+|"
     "AMD Sempron 3400+|AMD Sempron 3500+|AMD Sempron 3600+|AMD Sempron 3800+|"
     "Intel Core i3-8300|Intel Core i3-9300|Intel Core i3-9320|"},
    {62.6,
     "Intel Celeron 2.6|"},
    {63,
     "AMD Athlon 1133|AMD Athlon XP 1600+|AMD Athlon XP 2200+|"},
    {63.5,
     "Intel Celeron 1.7|"},
    {64,
     "Intel Core i7-1270P|Intel Pentium 4 1.7|Intel Xeon MP 1.4|"},
    {65,
     "3280|3365|3380|4228 HE|4230 HE|4274 HE|4276 HE|4332 HE|4376 HE|631|638|"
     "6th Gen AMD PRO A10-8750B APU|6th Gen AMD PRO A10-8770 APU|"
     "6th Gen AMD PRO A12-8870 APU|6th Gen AMD PRO A4-8350B APU|"
     "6th Gen AMD PRO A6-8550B APU|6th Gen AMD PRO A6-8570 APU|"
     "6th Gen AMD PRO A8-8650B APU|740|750|7th Gen A10-9700 APU|7th Gen A12-9800 APU|"
     "7th Gen A6-9500 APU|7th Gen A6-9550 APU|7th Gen A8-9600 APU|"
     "7th Gen AMD Athlon X4 970|7th Gen AMD PRO A10-9700 APU|7th Gen AMD PRO A12-9800 APU|"
     "7th Gen AMD PRO A6-9500 APU|7th Gen AMD PRO A8-9600 APU|A10 PRO-7800B|A10-6700|"
     "A10-7860K|A4 PRO-7300B|A4 PRO-7350B|A4-6300|A4-6320|A4-7210|A4-7300|A6 PRO-7400B|"
     "A6-6400B|A6-6400K|A6-6420B|A6-6420K|A6-7400K|A6-7470K|A8 PRO-7600B|A8-6500|A8-6500B|"
     "A8-6600K|A8-7600|AMD 6th Gen AMD PRO A10-8750B APU|AMD 6th Gen AMD PRO A10-8770 APU|"
     "AMD 6th Gen AMD PRO A12-8870 APU|AMD 6th Gen AMD PRO A4-8350B APU|"
     "AMD 6th Gen AMD PRO A6-8550B APU|AMD 6th Gen AMD PRO A6-8570 APU|"
     "AMD 6th Gen AMD PRO A8-8650B APU|AMD 7th Gen A10-9700 APU|AMD 7th Gen A12-9800 APU|"
     "AMD 7th Gen A6-9500 APU|AMD 7th Gen A6-9550 APU|AMD 7th Gen A8-9600 APU|"
     "AMD 7th Gen AMD Athlon X4 970|AMD 7th Gen AMD PRO A10-9700 APU|"
     "AMD 7th Gen AMD PRO A12-9800 APU|AMD 7th Gen AMD PRO A6-9500 APU|"
     "AMD 7th Gen AMD PRO A8-9600 APU|AMD A10 PRO-7800B|AMD A10-5700|AMD A10-6700|"
     "AMD A10-7860K|AMD A10-7860K and Near Silent Thermal Solution|AMD A10-9700|"
     "AMD A12-9800|AMD A4 PRO-7300B|AMD A4 PRO-7350B|AMD A4-3300|AMD A4-3400|AMD A4-3420|"
     "AMD A4-4000|AMD A4-5300|AMD A4-5300B|AMD A4-6300|AMD A4-6320|AMD A4-7210|"
     "AMD A4-7300|AMD A6 PRO-7400B|AMD A6-3500|AMD A6-3600|AMD A6-3620|AMD A6-5400B|"
     "AMD A6-5400K|AMD A6-6400B|AMD A6-6400K|AMD A6-6420B|AMD A6-6420K|AMD A6-7400K|"
     "AMD A6-7470K|AMD A6-9500|AMD A6-9550|AMD A8 PRO-7600B|AMD A8-3800|AMD A8-3820|"
     "AMD A8-5500|AMD A8-5500B|AMD A8-6500|AMD A8-6500B|AMD A8-6600K|AMD A8-7600|"
     "AMD A8-9600|AMD Athlon 631 (65W)|AMD Athlon 638|AMD Athlon 64 X2 3600+|"
     "AMD Athlon 64 X2 3600+ EE|AMD Athlon 64 X2 3800+ EE|AMD Athlon 64 X2 4000+|"
     "AMD Athlon 64 X2 4000+ EE|AMD Athlon 64 X2 4200+ EE|AMD Athlon 64 X2 4400+|"
     "AMD Athlon 64 X2 4400+ EE|AMD Athlon 64 X2 4600+ EE|AMD Athlon 64 X2 4800+ EE|"
     "AMD Athlon 64 X2 5000+ BE|AMD Athlon 64 X2 5000+ EE|AMD Athlon 64 X2 5200+ EE|"
     "AMD Athlon 64 X2 5400+|AMD Athlon 64 X2 5400+ BE|AMD Athlon 64 X2 5600+|"
     "AMD Athlon 740|AMD Athlon 750|AMD Athlon Gold 3150G|"
     "AMD Athlon Gold 3150G (OEM Only)|AMD Athlon Gold PRO 3150G|AMD Athlon II X2 215|"
     "AMD Athlon II X2 220|AMD Athlon II X2 240|AMD Athlon II X2 245|AMD Athlon II X2 250|"
     "AMD Athlon II X2 255|AMD Athlon II X2 260|AMD Athlon II X2 265|AMD Athlon II X2 270|"
     "AMD Athlon II X2 280|AMD Athlon II X4 638|AMD Athlon X4 940|AMD Athlon X4 950|"
     "AMD Athlon X4 970|AMD Athlon XP 2400+|AMD E2-3200|AMD E2-7110|AMD EPYC 4124P|"
     "AMD EPYC 4244P|AMD EPYC 4245P|AMD EPYC 4344P|AMD EPYC 4345P|AMD EPYC 4464P|"
     "AMD EPYC 4465P|AMD EPYC 4545P|AMD Opteron 3280|AMD Opteron 3365|AMD Opteron 3380|"
     "AMD Opteron 4228 HE|AMD Opteron 4230 HE|AMD Opteron 4274 HE|AMD Opteron 4276 HE|"
     "AMD Opteron 4332 HE|AMD Opteron 4376 HE|AMD Opteron 43GK HE|AMD Phenom II X3 700e|"
     "AMD Phenom II X3 705e|AMD Phenom II X4 900e|AMD Phenom II X4 905e|"
     "AMD Phenom II X4 910e|AMD Phenom X3 8250e|AMD Phenom X3 8450e|AMD Phenom X4 9100e|"
     "AMD Phenom X4 9150e|AMD Phenom X4 9350e|AMD Phenom X4 9450e|AMD Ryzen 3 1200|"
     "AMD Ryzen 3 1300|AMD Ryzen 3 1300X|AMD Ryzen 3 2200G|AMD Ryzen 3 2300X|"
     "AMD Ryzen 3 3100|AMD Ryzen 3 3200G|AMD Ryzen 3 3300X|AMD Ryzen 3 4100|"
     "AMD Ryzen 3 4300G|AMD Ryzen 3 4300G (OEM Only)|AMD Ryzen 3 5300G (OEM Only)|"
     "AMD Ryzen 3 5305G|AMD Ryzen 3 8300G|AMD Ryzen 3 PRO 1200|AMD Ryzen 3 PRO 1300|"
     "AMD Ryzen 3 PRO 2200G|AMD Ryzen 3 PRO 3200G|AMD Ryzen 3 PRO 4350G|"
     "AMD Ryzen 3 PRO 4355G|AMD Ryzen 3 PRO 5350G|AMD Ryzen 3 PRO 5355G|"
     "AMD Ryzen 3 PRO 8300G|AMD Ryzen 5 1400|AMD Ryzen 5 1500X|AMD Ryzen 5 1600|"
     "AMD Ryzen 5 1600 (AF)|AMD Ryzen 5 2400G|AMD Ryzen 5 2500X|AMD Ryzen 5 2600|"
     "AMD Ryzen 5 3400G|AMD Ryzen 5 3500 (OEM Only)|AMD Ryzen 5 3500 Processor (OEM Only)|"
     "AMD Ryzen 5 3500X|AMD Ryzen 5 3600|AMD Ryzen 5 4500|AMD Ryzen 5 4600G|"
     "AMD Ryzen 5 4600G (OEM Only)|AMD Ryzen 5 5500|AMD Ryzen 5 5500GT|AMD Ryzen 5 5600|"
     "AMD Ryzen 5 5600G|AMD Ryzen 5 5600GT|AMD Ryzen 5 5600T|AMD Ryzen 5 5600X|"
     "AMD Ryzen 5 5600XT|AMD Ryzen 5 5605G|AMD Ryzen 5 7400F|AMD Ryzen 5 7500F|"
     "AMD Ryzen 5 7600|AMD Ryzen 5 7600X3D|AMD Ryzen 5 8400F|AMD Ryzen 5 8500G|"
     "AMD Ryzen 5 8600G|AMD Ryzen 5 9600|AMD Ryzen 5 9600X|AMD Ryzen 5 PRO 1500|"
     "AMD Ryzen 5 PRO 1600|AMD Ryzen 5 PRO 2400G|AMD Ryzen 5 PRO 2600|"
     "AMD Ryzen 5 PRO 3350G|AMD Ryzen 5 PRO 3400G|AMD Ryzen 5 PRO 3600|"
     "AMD Ryzen 5 PRO 4650G|AMD Ryzen 5 PRO 4655G|AMD Ryzen 5 PRO 5645|"
     "AMD Ryzen 5 PRO 5650G|AMD Ryzen 5 PRO 5655G|AMD Ryzen 5 PRO 7645|"
     "AMD Ryzen 5 PRO 8500G|AMD Ryzen 5 PRO 8600G|AMD Ryzen 7 1700|"
     "AMD Ryzen 7 1700 Processor|AMD Ryzen 7 2700|AMD Ryzen 7 3700X|AMD Ryzen 7 4700G|"
     "AMD Ryzen 7 4700G (OEM Only)|AMD Ryzen 7 5700|AMD Ryzen 7 5700G|AMD Ryzen 7 5700X|"
     "AMD Ryzen 7 5705G|AMD Ryzen 7 5800 (OEM Only)|AMD Ryzen 7 7700|AMD Ryzen 7 8700F|"
     "AMD Ryzen 7 8700G|AMD Ryzen 7 9700X|AMD Ryzen 7 PRO 1700|AMD Ryzen 7 PRO 2700|"
     "AMD Ryzen 7 PRO 3700|AMD Ryzen 7 PRO 4750G|AMD Ryzen 7 PRO 5750G|"
     "AMD Ryzen 7 PRO 5755G|AMD Ryzen 7 PRO 5845|AMD Ryzen 7 PRO 7745|"
     "AMD Ryzen 7 PRO 8700G|AMD Ryzen 9 3900 (OEM Only)|"
     "AMD Ryzen 9 3900 Processor (OEM Only)|AMD Ryzen 9 5900 (OEM Only)|AMD Ryzen 9 7900|"
     "AMD Ryzen 9 PRO 3900|AMD Ryzen 9 PRO 5945|AMD Ryzen 9 PRO 7945|AMD Sempron X2 2100|"
     "AMD Sempron X2 2200|AMD Sempron X2 2300|E2-7110|Intel Celeron 445|"
     "Intel Celeron D 347|Intel Celeron D 356|Intel Celeron D 360|Intel Celeron D 365|"
     "Intel Celeron E1200|Intel Celeron E1400|Intel Celeron E1500|Intel Celeron E1600|"
     "Intel Celeron E3200|Intel Celeron E3300|Intel Celeron E3400|Intel Celeron E3500|"
     "Intel Celeron G530|Intel Celeron G540|Intel Celeron G550|Intel Celeron G555|"
     "Intel Core 2 Duo E4300|Intel Core 2 Duo E4400|Intel Core 2 Duo E4500|"
     "Intel Core 2 Duo E4600|Intel Core 2 Duo E4700|Intel Core 2 Duo E6300|"
     "Intel Core 2 Duo E6305|Intel Core 2 Duo E6320|Intel Core 2 Duo E6400|"
     "Intel Core 2 Duo E6405|Intel Core 2 Duo E6420|Intel Core 2 Duo E6540|"
     "Intel Core 2 Duo E6550|Intel Core 2 Duo E6600|Intel Core 2 Duo E6700|"
     "Intel Core 2 Duo E6750|Intel Core 2 Duo E7200|Intel Core 2 Duo E7300|"
     "Intel Core 2 Duo E7400|Intel Core 2 Duo E7500|Intel Core 2 Duo E7600|"
     "Intel Core 2 Duo E8190|Intel Core 2 Duo E8200|Intel Core 2 Duo E8290|"
     "Intel Core 2 Duo E8300|Intel Core 2 Duo E8400|Intel Core 2 Duo E8500|"
     "Intel Core 2 Duo E8600|Intel Core 2 Duo E8700|Intel Core 2 Quad Q8200S|"
     "Intel Core 2 Quad Q8400S|Intel Core 2 Quad Q9400S|Intel Core 2 Quad Q9505S|"
     "Intel Core 2 Quad Q9550S|Intel Core 5 211E|Intel Core 5 211EF|Intel Core 5 221E|"
     "Intel Core 7 251E|Intel Core i3-10100|Intel Core i3-10100E|Intel Core i3-10100F|"
     "Intel Core i3-10105|Intel Core i3-10105F|Intel Core i3-10300|Intel Core i3-10305|"
     "Intel Core i3-10320|Intel Core i3-10325|Intel Core i3-2100|Intel Core i3-2102|"
     "Intel Core i3-2105|Intel Core i3-2120|Intel Core i3-2125|Intel Core i3-2130|"
     "Intel Core i3-8000|Intel Core i3-8020|Intel Core i3-8100|Intel Core i3-8100B|"
     "Intel Core i3-8100F|Intel Core i3-8120|Intel Core i3-9000|Intel Core i3-9100|"
     "Intel Core i3-9100E|Intel Core i3-9100F|Intel Core i5 processor 14401E|"
     "Intel Core i5 processor 14501E|"
     "Intel Core i5+8400  (9M Cache, up to 4.00 GHz) includes Intel Optane Memory|"
     "Intel Core i5+8500  (9M Cache, up to 4.10 GHz) includes Intel Optane Memory|"
     "Intel Core i5-10400|Intel Core i5-10400F|Intel Core i5-10500|Intel Core i5-10500E|"
     "Intel Core i5-10505|Intel Core i5-10600|Intel Core i5-11400|Intel Core i5-11400F|"
     "Intel Core i5-11500|Intel Core i5-11600|Intel Core i5-13400E|Intel Core i5-13500E|"
     "Intel Core i5-2400S|Intel Core i5-2405S|Intel Core i5-2500S|Intel Core i5-3330S|"
     "Intel Core i5-3335S|Intel Core i5-3340S|Intel Core i5-3450S|Intel Core i5-3470S|"
     "Intel Core i5-3475S|Intel Core i5-3550S|Intel Core i5-3570S|Intel Core i5-4430S|"
     "Intel Core i5-4440S|Intel Core i5-4460S|Intel Core i5-4570R|Intel Core i5-4570S|"
     "Intel Core i5-4590S|Intel Core i5-4670R|Intel Core i5-4670S|Intel Core i5-4690S|"
     "Intel Core i5-5575R|Intel Core i5-5675C|Intel Core i5-5675R|Intel Core i5-6400|"
     "Intel Core i5-6402P|Intel Core i5-6500|Intel Core i5-6585R|Intel Core i5-6600|"
     "Intel Core i5-6685R|Intel Core i5-7400|Intel Core i5-7500|Intel Core i5-7600|"
     "Intel Core i5-8305G|Intel Core i5-8400|Intel Core i5-8400B|Intel Core i5-8420|"
     "Intel Core i5-8500|Intel Core i5-8500B|Intel Core i5-8550|Intel Core i5-8600|"
     "Intel Core i5-8650|Intel Core i5-9400|Intel Core i5-9400F|Intel Core i5-9500|"
     "Intel Core i5-9500E|Intel Core i5-9500F|Intel Core i5-9600|"
     "Intel Core i7 processor 14701E|"
     "Intel Core i7+8700  (12M Cache, up to 4.60 GHz) includes Intel Optane Memory|"
     "Intel Core i7-10700|Intel Core i7-10700E|Intel Core i7-10700F|Intel Core i7-11700|"
     "Intel Core i7-11700B|Intel Core i7-11700F|Intel Core i7-13700E|Intel Core i7-2600S|"
     "Intel Core i7-3770S|Intel Core i7-4770R|Intel Core i7-4770S|Intel Core i7-4790S|"
     "Intel Core i7-5775C|Intel Core i7-5775R|Intel Core i7-6700|Intel Core i7-6785R|"
     "Intel Core i7-7700|Intel Core i7-8670|Intel Core i7-8700|Intel Core i7-8700B|"
     "Intel Core i7-8705G|Intel Core i7-8706G|Intel Core i7-8709G|Intel Core i7-8809G|"
     "Intel Core i7-9700|Intel Core i7-9700E|Intel Core i7-9700F|"
     "Intel Core i9 processor 14901E|Intel Core i9-10800F|Intel Core i9-10900|"
     "Intel Core i9-10900E|Intel Core i9-10900F|Intel Core i9-11900|Intel Core i9-11900F|"
     "Intel Core i9-13900E|Intel Core i9-9900|Intel Pentium Dual-Core E2140|"
     "Intel Pentium Dual-Core E2160|Intel Pentium Dual-Core E2180|"
     "Intel Pentium Dual-Core E2200|Intel Pentium Dual-Core E2210|"
     "Intel Pentium Dual-Core E2220|Intel Pentium Dual-Core E5200|"
     "Intel Pentium Dual-Core E5300|Intel Pentium E5200|Intel Pentium E5300|"
     "Intel Pentium E5400|Intel Pentium E5500|Intel Pentium E5700|Intel Pentium E5800|"
     "Intel Pentium E6300|Intel Pentium E6500|Intel Pentium E6500K|Intel Pentium E6600|"
     "Intel Pentium E6700|Intel Pentium E6800|Intel Pentium G620|Intel Pentium G622|"
     "Intel Pentium G630|Intel Pentium G632|Intel Pentium G640|Intel Pentium G645|"
     "Intel Pentium G840|Intel Pentium G850|Intel Pentium G860|Intel Pentium G870|"
     "Intel Xeon 3040|Intel Xeon 3050|Intel Xeon 3060|Intel Xeon 3065|Intel Xeon 3070|"
     "Intel Xeon 3075|Intel Xeon 3085|Intel Xeon 5110|Intel Xeon 5120|Intel Xeon 5130|"
     "Intel Xeon 5140|Intel Xeon 5150|Intel Xeon 6333P|Intel Xeon 6353P|"
     "Intel Xeon D-1553N|Intel Xeon D-1567|Intel Xeon D-1581|Intel Xeon D-1587|"
     "Intel Xeon D-1653N|Intel Xeon D-1748TE|Intel Xeon D-2141I|Intel Xeon D-2142IT|"
     "Intel Xeon D-2143IT|Intel Xeon D-2145NT|Intel Xeon D-2712T|Intel Xeon E-2104G|"
     "Intel Xeon E-2314|Intel Xeon E-2324G|Intel Xeon E-2334|Intel Xeon E-2336|"
     "Intel Xeon E-2378|Intel Xeon E-2436|Intel Xeon E-2468|Intel Xeon E3-1205 v6|"
     "Intel Xeon E3-1285L v2|Intel Xeon E3-1285L v3|Intel Xeon E3-1285L v4|"
     "Intel Xeon E3-1286L v3|Intel Xeon E3-1585 v5|Intel Xeon E3110|Intel Xeon E3113|"
     "Intel Xeon E3120|Intel Xeon E5-1428L v3|Intel Xeon E5-2650L v3|"
     "Intel Xeon E5-2650L v4|Intel Xeon E5205|Intel Xeon E5220|Intel Xeon E5240|"
     "Intel Xeon EC3539|Intel Xeon EC5539|Intel Xeon L3360|Intel Xeon L7455|"
     "Intel Xeon MP 2.2|"},
    {65.8,
     "Intel Xeon 1.7|"},
    {66,
     "AMD Athlon 1200|Intel Mobile Pentium 4 2.66|Intel Mobile Pentium 4 HT 2.66|"
     "Intel Pentium 4 HT 2.40|Intel Xeon MP 2.5|"},
    {66.1,
     "Intel Celeron 1.8|Intel Celeron\302\2401.8A|"},
    {66.8,
     "Intel Celeron 2.7|"},
    {67,
     "AMD Athlon 64 3400+|AMD Opteron 146|Intel Atom P5742|Intel Pentium 4 1.80|"
     "Intel Pentium 4 1.8A|Intel Xeon D-1736NT|Intel Xeon D-1746TER|"},
    {68,
     "AMD Athlon 1300|AMD Athlon XP 2500+|AMD Athlon XP 2500+ DTR|AMD Athlon XP 2600+|"
     "AMD Athlon XP 2600+ DTR|AMD Athlon XP 2700+|AMD Athlon XP 2800+ DTR|"
     "AMD Athlon XP 3000+|AMD Athlon XP 3100+|Intel Mobile Pentium 4 2.80|"
     "Intel Mobile Pentium 4 HT 2.80|"},
    {68.4,
     "Intel Celeron 2.8|"},
    {69,
     "Intel Core i5-3350P|Intel Pentium 4 1.9|Intel Pentium 4 HT 2.60|"
     "Intel Xeon E3-1220 v2|Intel Xeon E3-1230 v2|Intel Xeon E3-1240 v2|"
     "Intel Xeon E3-1270 v2|Intel Xeon E3-1280 v2|"},
    {70,
     "AMD Athlon 1333|Intel Mobile Pentium 4 3.06|Intel Mobile Pentium 4 HT 3.06|"
     "Intel Pentium 4 HT 2.80|Intel Xeon D-1726|Intel Xeon D-2173IT|Intel Xeon D-2832NT|"
     "Intel Xeon E5-2438L v3|Intel Xeon E5-2448L|Intel Xeon E5-2448L v2|"
     "Intel Xeon E5-2450L|Intel Xeon E5-2628L v2|Intel Xeon E5-2648L|"
     "Intel Xeon E5-2648L v2|Intel Xeon E5-2650L|Intel Xeon E5-2650L v2|"
     "Intel Xeon E5-4624L v2|Intel Xeon Silver 4109T|Intel Xeon Silver 4209T|"},
    {71,
     "Intel Atom P5342|Intel Xeon E-2124|Intel Xeon E-2124G|Intel Xeon E-2134|"
     "Intel Xeon E-2144G|Intel Xeon E-2174G|Intel Xeon E-2224|Intel Xeon E-2224G|"
     "Intel Xeon E-2234|Intel Xeon E-2244G|"},
    {72,
     "AMD Athlon 1400|AMD Athlon XP 2100+|Intel Xeon E3-1220 v6|Intel Xeon E3-1230 v6|"
     "Intel Xeon E3-1240 v6|Intel Xeon E3-1270 v6|Intel Xeon E3-1280 v6|Intel Xeon MP 1.6|"
     "Intel Xeon MP 2.8|"},
    {73,
     "Intel Celeron 2.10|Intel Celeron 2.20|Intel Celeron 2.30|Intel Celeron 2.40|"
     "Intel Celeron 2.60|Intel Celeron 2.70|Intel Celeron 2.80|Intel Celeron D 310|"
     "Intel Celeron D 315|Intel Celeron D 320|Intel Celeron D 325|Intel Celeron D 326|"
     "Intel Celeron D 345|Intel Celeron D 346|Intel Celeron D 350J|Intel Celeron G1101|"
     "Intel Core i3-530|Intel Core i3-540|Intel Core i3-550|Intel Core i3-560|"
     "Intel Core i5-650|Intel Core i5-655K|Intel Core i5-660|Intel Core i5-670|"
     "Intel Core i5-680|Intel Pentium G6950|Intel Pentium G6951|Intel Pentium G6960|"
     "Intel Xeon E3-1225 v6|Intel Xeon E3-1245 v6|Intel Xeon E3-1275 v6|"},
    {74,
     "AMD Athlon XP 2800+|Intel Atom P5752|"},
    {75,
     "Intel Core 2 Duo E6850|Intel Core 2 Extreme X6800|Intel Core 2 Extreme X6900|"
     "Intel Itanium 9110N|Intel Xeon D-2163IT|Intel Xeon E5-2618L v3|"
     "Intel Xeon E5-2618L v4|Intel Xeon E5-2628L v3|Intel Xeon E5-2628L v4|"
     "Intel Xeon E5-2648L v3|Intel Xeon E5-2648L v4|Intel Xeon E5-4628L v4|"},
    {76,
     "Intel Mobile Pentium 4 HT 3.20|"},
    {77,
     "AMD Athlon XP 3200+|Intel Core i5-3330|Intel Core i5-3340|Intel Core i5-3450|"
     "Intel Core i5-3470|Intel Core i5-3550|Intel Core i5-3570|Intel Core i5-3570K|"
     "Intel Core i7-3770|Intel Core i7-3770K|Intel Xeon 2.4B|Intel Xeon 2.8B|"
     "Intel Xeon D-2752TER|Intel Xeon E3-1225 v2|Intel Xeon E3-1245 v2|"
     "Intel Xeon E3-1275 v2|Intel Xeon E3-1285 v2|"},
    {78,
     "Intel Atom P5352|"},
    {79,
     "AMD Opteron 2350 HE|Intel Xeon E3-1285 v6|"},
    {80,
     "555|565|570|965|AMD B57|AMD B59|AMD B60|AMD EPYC 8024PN|AMD Phenom II 555|"
     "AMD Phenom II 565|AMD Phenom II 570|AMD Phenom II 965|AMD Phenom II X2 545|"
     "AMD Phenom II X2 550|AMD Phenom II X2 550 BE|AMD Phenom II X2 555 BE|"
     "AMD Phenom II X2 560 BE|AMD Phenom II X2 565 BE|AMD Phenom II X2 570 BE|"
     "AMD Phenom II X2 B53|AMD Phenom II X2 B55|AMD Phenom II X2 B57|B57|B59|B60|"
     "Intel Pentium 1403|Intel Pentium 1403 v2|Intel Pentium 1407|Intel Xeon 5160|"
     "Intel Xeon 6337P|Intel Xeon 6357P|Intel Xeon D-1747NTE|Intel Xeon D-2146NT|"
     "Intel Xeon D-2733NT|Intel Xeon D-2843NT|Intel Xeon E-2126G|Intel Xeon E-2136|"
     "Intel Xeon E-2146G|Intel Xeon E-2176G|Intel Xeon E-2226G|Intel Xeon E-2226GE|"
     "Intel Xeon E-2236|Intel Xeon E-2246G|Intel Xeon E-2276G|Intel Xeon E-2278G|"
     "Intel Xeon E-2278GE|Intel Xeon E-2356G|Intel Xeon E-2374G|Intel Xeon E-2378G|"
     "Intel Xeon E-2456|Intel Xeon E-2478|Intel Xeon E3-1220|Intel Xeon E3-1220 v3|"
     "Intel Xeon E3-1220 v5|Intel Xeon E3-1225 v5|Intel Xeon E3-1230|"
     "Intel Xeon E3-1230 v3|Intel Xeon E3-1230 v5|Intel Xeon E3-1231 v3|"
     "Intel Xeon E3-1240|Intel Xeon E3-1240 v3|Intel Xeon E3-1240 v5|"
     "Intel Xeon E3-1241 v3|Intel Xeon E3-1245 v5|Intel Xeon E3-1270|"
     "Intel Xeon E3-1270 v3|Intel Xeon E3-1270 v5|Intel Xeon E3-1271 v3|"
     "Intel Xeon E3-1275 v5|Intel Xeon E3-1280 v5|Intel Xeon E5-1410|"
     "Intel Xeon E5-1410 v2|Intel Xeon E5-2403|Intel Xeon E5-2403 v2|Intel Xeon E5-2407|"
     "Intel Xeon E5-2407 v2|Intel Xeon E5-2420 v2|Intel Xeon E5-2430 v2|"
     "Intel Xeon E5-2603|Intel Xeon E5-2603 v2|Intel Xeon E5-2609|Intel Xeon E5-2609 v2|"
     "Intel Xeon E5-2620 v2|Intel Xeon E5-2630 v2|Intel Xeon E5-2637|Intel Xeon E5310|"
     "Intel Xeon E5320|Intel Xeon E5330|Intel Xeon E5335|Intel Xeon E5340|"
     "Intel Xeon E5345|Intel Xeon E5405|Intel Xeon E5410|Intel Xeon E5420|"
     "Intel Xeon E5430|Intel Xeon E5440|Intel Xeon E5450|Intel Xeon E5462|"
     "Intel Xeon E5472|Intel Xeon E5502|Intel Xeon E5503|Intel Xeon E5504|"
     "Intel Xeon E5506|Intel Xeon E5507|Intel Xeon E5520|Intel Xeon E5530|"
     "Intel Xeon E5540|Intel Xeon E5603|Intel Xeon E5606|Intel Xeon E5607|"
     "Intel Xeon E5620|Intel Xeon E5630|Intel Xeon E5640|Intel Xeon E5645|"
     "Intel Xeon E5649|Intel Xeon E7210|Intel Xeon E7220|Intel Xeon E7310|"
     "Intel Xeon E7320|Intel Xeon E7330|Intel Xeon E7340|Intel Xeon MP 2.7|"
     "Intel Xeon W-1250|Intel Xeon W-1250E|Intel Xeon W-1270|Intel Xeon W-1270E|"
     "Intel Xeon W-1290|Intel Xeon W-1350|Intel Xeon W-1370|Intel Xeon W-1390|"
     "Intel Xeon X3323|Intel Xeon X3353|Intel Xeon X3363|Intel Xeon X5260|"
     "Intel Xeon X5270|Intel Xeon X5272|"},
    {82,
     "AMD Mobile Athlon 64 2800+|AMD Mobile Athlon 64 3700+|AMD Opteron 142|"
     "AMD Opteron 144|AMD Opteron 240|AMD Opteron 840|AMD Opteron 842|Intel Core i5-750S|"
     "Intel Core i5-750s|Intel Core i7-860S|Intel Core i7-870S|Intel Pentium 4 HT 3.00|"
     "Intel Pentium 4 HT 3.20|Intel Xeon E3-1280 v3|Intel Xeon E3-1281 v3|"},
    {83,
     "AMD Athlon 64 3200+|Intel Atom P5362|Intel Xeon D-1739|Intel Xeon E-2274G|"},
    {84,
     "Intel Celeron D 325J|Intel Celeron D 330|Intel Celeron D 330J|Intel Celeron D 331|"
     "Intel Celeron D 335|Intel Celeron D 335J|Intel Celeron D 336|Intel Celeron D 340|"
     "Intel Celeron D 340J|Intel Celeron D 341|Intel Celeron D 345J|Intel Celeron D 350|"
     "Intel Celeron D 351|Intel Celeron D 352|Intel Celeron D 355|Intel Core i5-4430|"
     "Intel Core i5-4440|Intel Core i5-4460|Intel Core i5-4570|Intel Core i5-4590|"
     "Intel Core i5-4670|Intel Core i5-4670K|Intel Core i5-4690|Intel Core i7-4770|"
     "Intel Core i7-4770K|Intel Core i7-4771|Intel Core i7-4790|Intel Pentium 4 505|"
     "Intel Pentium 4 505J|Intel Pentium 4 506|Intel Pentium 4 511|Intel Pentium 4 519|"
     "Intel Pentium 4 519K|Intel Pentium 4 HT 515|Intel Pentium 4 HT 516|"
     "Intel Pentium 4 HT 517|Intel Pentium 4 HT 520|Intel Pentium 4 HT 521|"
     "Intel Pentium 4 HT 524|Intel Pentium 4 HT 530|Intel Pentium 4 HT 531|"
     "Intel Pentium 4 HT 540|Intel Pentium 4 HT 541|Intel Pentium 4 HT 620|"
     "Intel Pentium 4 HT 630|Intel Pentium 4 HT 640|Intel Pentium 4 HT 650|"
     "Intel Pentium 4 HT 660|Intel Pentium 4 HT 662|Intel Pentium 4 HT 670|"
     "Intel Pentium 4 HT 672|Intel Xeon D-2752NTE|Intel Xeon E3-1225 v3|"
     "Intel Xeon E3-1226 v3|Intel Xeon E3-1245 v3|Intel Xeon E3-1246 v3|"
     "Intel Xeon E3-1275 v3|Intel Xeon E3-1276 v3|Intel Xeon E3-1285 v3|"
     "Intel Xeon E3-1286 v3|"},
    {85,
     "6132 HE|6166 HE|6262 HE|6366 HE|AMD Opteron 140|AMD Opteron 150|AMD Opteron 242|"
     "AMD Opteron 244|AMD Opteron 246|AMD Opteron 250|AMD Opteron 6132 HE|"
     "AMD Opteron 6166 HE|AMD Opteron 6262 HE|AMD Opteron 6366 HE|AMD Opteron 844|"
     "AMD Opteron 846|AMD Opteron 848|Intel Xeon Bronze 3104|Intel Xeon Bronze 3106|"
     "Intel Xeon Bronze 3204|Intel Xeon Bronze 3206R|Intel Xeon D-2166NT|"
     "Intel Xeon E5-2603 v3|Intel Xeon E5-2603 v4|Intel Xeon E5-2609 v3|"
     "Intel Xeon E5-2609 v4|Intel Xeon E5-2620 v3|Intel Xeon E5-2620 v4|"
     "Intel Xeon E5-2623 v4|Intel Xeon E5-2630 v3|Intel Xeon E5-2630 v4|Intel Xeon EC5509|"
     "Intel Xeon EC5549|Intel Xeon Gold 5115|Intel Xeon Gold 5119T|Intel Xeon Gold 5215|"
     "Intel Xeon Gold 5215L|Intel Xeon Gold 5215M|Intel Xeon Silver 4106H|"
     "Intel Xeon Silver 4108|Intel Xeon Silver 4110|Intel Xeon Silver 4112|"
     "Intel Xeon Silver 4114|Intel Xeon Silver 4114T|Intel Xeon Silver 4116|"
     "Intel Xeon Silver 4116T|Intel Xeon Silver 4208|Intel Xeon Silver 4210|"
     "Intel Xeon Silver 4214|Intel Xeon Silver 4214Y|Intel Xeon Silver 4215|"},
    {86,
     "Intel Pentium 4 HT 631|Intel Pentium 4 HT 641|Intel Pentium 4 HT 651|"
     "Intel Pentium 4 HT 661|Intel Xeon D-2191|"},
    {87,
     "Intel Core i5-661|Intel Xeon D-2753NT|Intel Xeon E3-1290 v2|"},
    {88,
     "Intel Core i5-4690K|Intel Core i7-4790K|Intel Mobile Pentium 4 HT 518|"
     "Intel Mobile Pentium 4 HT 532|Intel Mobile Pentium 4 HT 538|"
     "Intel Mobile Pentium 4 HT 548|Intel Mobile Pentium 4 HT 552|Intel Xeon D-2738|"},
    {89,
     "AMD Athlon 64 3300+|AMD Athlon 64 3600+|AMD Athlon 64 3700+|AMD Athlon 64 3800+|"
     "AMD Athlon 64 4000+|AMD Athlon 64 FX-51|AMD Athlon 64 FX-53|AMD Athlon 64 X2 3800+|"
     "AMD Athlon 64 X2 4200+|AMD Athlon 64 X2 4600+|AMD Athlon 64 X2 4800+|"
     "AMD Athlon 64 X2 5000+|AMD Athlon 64 X2 5200+|AMD Athlon 64 X2 5800+|"
     "AMD Opteron 148|AMD Opteron 248|AMD Opteron 850|Intel Pentium 4 HT 3.40|"
     "Intel Xeon 2.0|Intel Xeon 2.4|Intel Xeon 2.66|Intel Xeon 2.8|Intel Xeon 3.06|"},
    {90,
     "AMD EPYC 8024P|Intel Xeon D-1749NT|Intel Xeon D-2161I|Intel Xeon E5-2640 v3|"
     "Intel Xeon E5-2640 v4|Intel Xeon E7420|Intel Xeon E7430|Intel Xeon E7440|"
     "Intel Xeon E7450|Intel Xeon E7458|Intel Xeon MV 3.2|"},
    {91,
     "Intel Core i3-10350K|Intel Core i3-8350K|Intel Core i3-9350K|Intel Core i3-9350KF|"
     "Intel Core i5-6600K|Intel Core i5-7600K|Intel Core i7-6700K|Intel Core i7-7700K|"},
    {92,
     "AMD Opteron 252|AMD Opteron 254|AMD Opteron 852|AMD Opteron 854|AMD Opteron 856|"
     "Intel Pentium 4 2.0|Intel Pentium 4 2.2|Intel Pentium 4 2.60|"},
    {95,
     "1075T|4226|4234|4238|4240|4280|4284|4334|4340|4386|460|"
     "6th Gen AMD PRO A10-8850B APU|840|850|860K|870K|880K|960T|A10 PRO-7850B|A10-7850K|"
     "A10-7870K|A10-7890K|A8-7650K|A8-7670K|AMD 6th Gen AMD PRO A10-8850B APU|AMD 860K|"
     "AMD 870K|AMD 880K|AMD A10 PRO-7850B|AMD A10-7700K|AMD A10-7850K|AMD A10-7870K|"
     "AMD A10-7870K and Near Silent Thermal Solution|AMD A10-7890K|"
     "AMD A10-7890K and Wraith cooler|AMD A8-7650K|"
     "AMD A8-7650K and Near Silent Thermal Solution|AMD A8-7670K|"
     "AMD A8-7670K and Near Silent Thermal Solution|AMD Athlon 460|AMD Athlon 860K|"
     "AMD Athlon II X3 425|AMD Athlon II X3 435|AMD Athlon II X3 440|AMD Athlon II X3 445|"
     "AMD Athlon II X3 450|AMD Athlon II X3 455|AMD Athlon II X3 460|AMD Athlon II X4 620|"
     "AMD Athlon II X4 630|AMD Athlon II X4 635|AMD Athlon II X4 640|AMD Athlon II X4 645|"
     "AMD Athlon X2 6500 BE|AMD Athlon X2 7450|AMD Athlon X2 7550|AMD Athlon X2 7750 BE|"
     "AMD Athlon X2 7850 BE|AMD B75|AMD B77|AMD B95|AMD B97|AMD B99|AMD FX 6100|"
     "AMD FX-4100|AMD FX-4120|AMD FX-4150|AMD FX-4300|AMD FX-4320|AMD FX-6100|AMD FX-6120|"
     "AMD FX-6130|AMD FX-6300|AMD FX-8100|AMD FX-8140|AMD FX-8300|AMD FX-8310|"
     "AMD FX-8320E|AMD FX-8370E|AMD Opteron 4226|AMD Opteron 4234|AMD Opteron 4238|"
     "AMD Opteron 4240|AMD Opteron 4280|AMD Opteron 4284|AMD Opteron 4334|"
     "AMD Opteron 4340|AMD Opteron 4386|AMD Opteron X2 265|AMD Opteron X2 270|"
     "AMD Opteron X2 275|AMD Opteron X2 280|AMD Opteron X2 285|AMD Opteron X2 290|"
     "AMD Opteron X2 865|AMD Opteron X2 870|AMD Opteron X2 875|AMD Opteron X2 880|"
     "AMD Opteron X2 885|AMD Opteron X2 890|AMD Phenom II 1045T|AMD Phenom II 1075T|"
     "AMD Phenom II 840|AMD Phenom II 850|AMD Phenom II 960T|AMD Phenom II X3 710|"
     "AMD Phenom II X3 715 BE|AMD Phenom II X3 720|AMD Phenom II X3 720 BE|"
     "AMD Phenom II X3 740 BE|AMD Phenom II X3 B73|AMD Phenom II X3 B75|"
     "AMD Phenom II X3 B77|AMD Phenom II X4 650T|AMD Phenom II X4 805|"
     "AMD Phenom II X4 810|AMD Phenom II X4 820|AMD Phenom II X4 830|AMD Phenom II X4 840|"
     "AMD Phenom II X4 840T|AMD Phenom II X4 850|AMD Phenom II X4 910|"
     "AMD Phenom II X4 925|AMD Phenom II X4 945 (95W)|AMD Phenom II X4 955 (95W)|"
     "AMD Phenom II X4 960T BE|AMD Phenom II X4 B93|AMD Phenom II X4 B95|"
     "AMD Phenom II X4 B97|AMD Phenom II X6 1035T|AMD Phenom II X6 1045T|"
     "AMD Phenom II X6 1055T (95W)|AMD Phenom X3 8400|AMD Phenom X3 8450|"
     "AMD Phenom X3 8550|AMD Phenom X3 8600|AMD Phenom X3 8650|AMD Phenom X3 8750|"
     "AMD Phenom X3 8750 BE|AMD Phenom X3 8850|AMD Phenom X4 9500|AMD Phenom X4 9550|"
     "AMD Phenom X4 9600|AMD Phenom X4 9600 BE|AMD Phenom X4 9600B|AMD Phenom X4 9650|"
     "AMD Phenom X4 9750 (95W)|AMD Phenom X4 9750B|AMD Phenom X4 9850 (95W)|"
     "AMD Phenom X4 9850B|AMD Ryzen 5 1600X|AMD Ryzen 5 2600X|AMD Ryzen 5 3600X|"
     "AMD Ryzen 5 3600XT|AMD Ryzen 7 1700X|AMD Ryzen 7 1800X|AMD Ryzen 7 PRO 1700X|"
     "AMD Ryzen 7 PRO 1700X Processor|AMD Ryzen 7 PRO 2700X|B75|B77|B97|B99|FX 6100|"
     "FX-4100|FX-4300|FX-4320|FX-6300|FX-8300|FX-8310|FX-8320E|FX-8370E|"
     "Intel Core 2 Quad Q6600 (95W)|Intel Core 2 Quad Q6700|Intel Core 2 Quad Q7600|"
     "Intel Core 2 Quad Q8200|Intel Core 2 Quad Q8300|Intel Core 2 Quad Q8400|"
     "Intel Core 2 Quad Q9300|Intel Core 2 Quad Q9400|Intel Core 2 Quad Q9450|"
     "Intel Core 2 Quad Q9500|Intel Core 2 Quad Q9505|Intel Core 2 Quad Q9550|"
     "Intel Core 2 Quad Q9650|Intel Core i5-2300|Intel Core i5-2310|Intel Core i5-2320|"
     "Intel Core i5-2380P|Intel Core i5-2400|Intel Core i5-2450P|Intel Core i5-2500|"
     "Intel Core i5-2500K|Intel Core i5-2550K|Intel Core i5-750|Intel Core i5-760|"
     "Intel Core i5-8600K|Intel Core i5-8650K|Intel Core i5-9600K|Intel Core i5-9600KF|"
     "Intel Core i7-2600|Intel Core i7-2600K|Intel Core i7-2700K|Intel Core i7-8086K|"
     "Intel Core i7-860|Intel Core i7-870|Intel Core i7-8700K|Intel Core i7-875K|"
     "Intel Core i7-880|Intel Core i7-9700K|Intel Core i7-9700KF|Intel Core i9-9900K|"
     "Intel Core i9-9900KF|Intel Pentium D 915|Intel Pentium D 925|Intel Pentium D 935|"
     "Intel Pentium D 945|Intel Xeon 5020|Intel Xeon 5030|Intel Xeon 5040|Intel Xeon 5050|"
     "Intel Xeon 5063|Intel Xeon 6349P|Intel Xeon 6369P|Intel Xeon 7110M|Intel Xeon 7110N|"
     "Intel Xeon 7120M|Intel Xeon 7120N|Intel Xeon E-2186G|Intel Xeon E-2286G|"
     "Intel Xeon E-2288G|Intel Xeon E-2386G|Intel Xeon E-2388G|Intel Xeon E-2486|"
     "Intel Xeon E-2488|Intel Xeon E3-1225|Intel Xeon E3-1235|Intel Xeon E3-1245|"
     "Intel Xeon E3-1275|Intel Xeon E3-1280|Intel Xeon E3-1285 v4|Intel Xeon E3-1290|"
     "Intel Xeon E5-2420|Intel Xeon E5-2430|Intel Xeon E5-2440|Intel Xeon E5-2440 v2|"
     "Intel Xeon E5-2450|Intel Xeon E5-2450 v2|Intel Xeon E5-2470|Intel Xeon E5-2470 v2|"
     "Intel Xeon E5-2620|Intel Xeon E5-2630|Intel Xeon E5-2640|Intel Xeon E5-2640 v2|"
     "Intel Xeon E5-2650|Intel Xeon E5-2650 v2|Intel Xeon E5-2658|Intel Xeon E5-2658 v2|"
     "Intel Xeon E5-2660|Intel Xeon E5-2660 v2|Intel Xeon E5-4603|Intel Xeon E5-4603 v2|"
     "Intel Xeon E5-4607|Intel Xeon E5-4607 v2|Intel Xeon E5-4610|Intel Xeon E5-4610 v2|"
     "Intel Xeon E5-4620|Intel Xeon E5-4620 v2|Intel Xeon E5-4640|Intel Xeon E5-4640 v2|"
     "Intel Xeon E5-4650 v2|Intel Xeon E7-4807|Intel Xeon L7545|Intel Xeon L7555|"
     "Intel Xeon MV 5063|Intel Xeon Silver 4210T|Intel Xeon W-1290E|Intel Xeon X3320|"
     "Intel Xeon X3330|Intel Xeon X3350|Intel Xeon X3360|Intel Xeon X3370|"
     "Intel Xeon X3380|Intel Xeon X3430|Intel Xeon X3440|Intel Xeon X3450|"
     "Intel Xeon X3460|Intel Xeon X3470|Intel Xeon X3480|Intel Xeon X5550|"
     "Intel Xeon X5560|Intel Xeon X5570|Intel Xeon X5650|Intel Xeon X5660|"
     "Intel Xeon X5667|Intel Xeon X5670|Intel Xeon X5672|Intel Xeon X5675|"},
    {96,
     "Intel Xeon D-2745NX|"},
    {97,
     "Intel Xeon 3.20|Intel Xeon D-2739NT|Intel Xeon D-2766NT|"},
    {99,
     "6338P|6370P|AMD Opteron 6338P|AMD Opteron 6370P|"},
    {100,
     "641|750K|760K|A10-6790K|A10-6800K|A6 PRO-7050B|A8 PRO-7150B|A8-7200P|AMD A10-5800B|"
     "AMD A10-5800K|AMD A10-6790K|AMD A10-6800K|AMD A6 PRO-7050B|AMD A6-3650|AMD A6-3670K|"
     "AMD A8 PRO-7150B|AMD A8-3850|AMD A8-3870K|AMD A8-5600K|AMD A8-7200P|AMD Athlon 631|"
     "AMD Athlon 641|AMD Athlon 750K|AMD Athlon 760K|AMD Athlon II X4 631|"
     "AMD Athlon II X4 641|AMD Athlon II X4 651|AMD Athlon II X4 651K|AMD EPYC 8124PN|"
     "Intel Xeon D-2183IT|Intel Xeon D-2775TE|Intel Xeon D-2876NT|Intel Xeon E5-2692 v2|"
     "Intel Xeon Gold 5213W|Intel Xeon Gold 5215R|Intel Xeon Silver 4210R|"
     "Intel Xeon Silver 4211W|Intel Xeon Silver 4214R|Intel Xeon Silver 4216|"
     "Intel Xeon X3210|Intel Xeon X3220|Intel Xeon X3230|"},
    {103,
     "Intel Xeon 2.8D|Intel Xeon 3.0D|"},
    {104,
     "AMD Athlon 64 FX-55|AMD Athlon 64 FX-57|AMD Opteron 152|AMD Opteron 154|"
     "AMD Opteron 156|Intel Itanium 9015|Intel Itanium 9120N|Intel Itanium 9130M|"
     "Intel Itanium 9140M|Intel Itanium 9140N|Intel Itanium 9150M|Intel Itanium 9150N|"
     "Intel Itanium 9152M|"},
    {105,
     "AMD EPYC 4364P|AMD Ryzen 5 5600X3D|AMD Ryzen 5 7600X|AMD Ryzen 7 2700X|"
     "AMD Ryzen 7 2700X 50th Anniversary|AMD Ryzen 7 3800X|AMD Ryzen 7 3800XT|"
     "AMD Ryzen 7 5700X3D|AMD Ryzen 7 5800X|AMD Ryzen 7 5800X3D|AMD Ryzen 7 5800XT|"
     "AMD Ryzen 7 7700X|AMD Ryzen 9 3900X|AMD Ryzen 9 3900XT|AMD Ryzen 9 3950X|"
     "AMD Ryzen 9 5900X|AMD Ryzen 9 5900XT|AMD Ryzen 9 5950X|Intel Core 2 Quad Q6400|"
     "Intel Core 2 Quad Q6600 (105W)|Intel Xeon D-2177NT|Intel Xeon E5-2623 v3|"
     "Intel Xeon E5-2650 v3|Intel Xeon E5-2650 v4|Intel Xeon E5-2651 v2|"
     "Intel Xeon E5-2658 v3|Intel Xeon E5-2658 v4|Intel Xeon E5-2658A v3|"
     "Intel Xeon E5-2660 v3|Intel Xeon E5-2660 v4|Intel Xeon E5-4610 v3|"
     "Intel Xeon E5-4610 v4|Intel Xeon E5-4620 v3|Intel Xeon E5-4620 v4|"
     "Intel Xeon E5-4640 v3|Intel Xeon E5-4640 v4|Intel Xeon E5-4648 v3|"
     "Intel Xeon E5-4650 v3|Intel Xeon E5-4650 v4|Intel Xeon E6510|Intel Xeon E6540|"
     "Intel Xeon E7-2803|Intel Xeon E7-2820|Intel Xeon E7-2830|Intel Xeon E7-2850 v2|"
     "Intel Xeon E7-4809 v2|Intel Xeon E7-4820|Intel Xeon E7-4820 v2|Intel Xeon E7-4830|"
     "Intel Xeon E7-4830 v2|Intel Xeon E7-4850 v2|Intel Xeon E7-8830|"
     "Intel Xeon E7-8850 v2|Intel Xeon E7-8867L|Intel Xeon E7-8880L v2|Intel Xeon E7520|"
     "Intel Xeon E7530|Intel Xeon E7540|Intel Xeon Gold 5117|Intel Xeon Gold 5118|"
     "Intel Xeon Gold 5120|Intel Xeon Gold 5120T|Intel Xeon Gold 5122|"
     "Intel Xeon Gold 5218T|Intel Xeon Gold 5220T|Intel Xeon Gold 5222|"
     "Intel Xeon Platinum 8156|Intel Xeon Platinum 8256|Intel Xeon Silver 4123|"
     "Intel Xeon Silver 4309Y|Intel Xeon Silver 4310T|Intel Xeon W-2225|"},
    {107,
     "Intel Xeon D-2757NX|"},
    {110,
     "AMD Athlon 64 FX-60|AMD Opteron X2 165|AMD Opteron X2 170|AMD Opteron X2 175|"
     "AMD Opteron X2 180|AMD Opteron X2 185|Intel Pentium 4 2.26|Intel Pentium 4 2.4|"
     "Intel Pentium 4 2.40|Intel Pentium 4 2.53|Intel Pentium 4 2.66|Intel Pentium 4 2.80|"
     "Intel Pentium 4 HT 3.06|Intel Pentium 4 HT EE 3.20|Intel Pentium 4 HT EE 3.40|"
     "Intel Pentium 4 HT EE 3.46|Intel Xeon 2.8E|Intel Xeon 3.0E|Intel Xeon 3.2E|"
     "Intel Xeon 3.4E|Intel Xeon 3.6E|Intel Xeon 3.8|Intel Xeon 3.8E|Intel Xeon 6503P-B|"
     "Intel Xeon D-2187NT|Intel Xeon D-2795NT|Intel Xeon D-2896TER|Intel Xeon E5-2673 v2|"
     "Intel Xeon E5-2673 v3|Intel Xeon Gold 5218N|"},
    {112,
     "Intel Core i3-7360X|Intel Core i5-7640X|Intel Core i5-7640X X-series|"
     "Intel Core i7-7740X|Intel Core i7-7740X X-series|"},
    {113,
     "Intel Xeon Gold 5117F|"},
    {115,
     "6140|6176|6204|6212|6220|6234|6238|6272|6274|6276|6278|6308|6320|6328|6344|6348|"
     "6376|6378|6380|AMD Opteron 6140|AMD Opteron 6168|AMD Opteron 6176|AMD Opteron 6204|"
     "AMD Opteron 6212|AMD Opteron 6220|AMD Opteron 6234|AMD Opteron 6238|"
     "AMD Opteron 6272|AMD Opteron 6274|AMD Opteron 6276|AMD Opteron 6278|"
     "AMD Opteron 6308|AMD Opteron 6320|AMD Opteron 6328|AMD Opteron 6344|"
     "AMD Opteron 6348|AMD Opteron 6376|AMD Opteron 6378|AMD Opteron 6380|"
     "Intel Pentium 4 HT 2.8E|Intel Pentium 4 HT 3.0E|Intel Pentium 4 HT 3.2E|"
     "Intel Pentium 4 HT 3.4E|Intel Pentium 4 HT 3.6E|Intel Pentium 4 HT 550|"
     "Intel Pentium 4 HT 551|Intel Pentium 4 HT 560|Intel Pentium 4 HT 561|"
     "Intel Pentium 4 HT 570|Intel Pentium 4 HT 571|Intel Pentium 4 HT EE 3.73|"
     "Intel Xeon E5-2665|Intel Xeon E5-2670|Intel Xeon E5-2670 v2|Intel Xeon E5-2680 v2|"
     "Intel Xeon E5-2689|Intel Xeon E5-2695 v2|Intel Xeon E5-4650L|Intel Xeon E5-4657L v2|"
     "Intel Xeon E7-4809 v3|Intel Xeon E7-4809 v4|Intel Xeon E7-4820 v3|"
     "Intel Xeon E7-4820 v4|Intel Xeon E7-4830 v3|Intel Xeon E7-4830 v4|"
     "Intel Xeon E7-4850 v3|Intel Xeon E7-4850 v4|Intel Xeon E7-8880L v3|"
     "Intel Xeon Gold 5217|Intel Xeon Gold 5403N|Intel Xeon Gold 6128|"
     "Intel Xeon Gold 6222|Intel Xeon Gold 6222V|Intel Xeon Silver 4213W|"
     "Intel Xeon Silver 4510T|Intel Xeon X5679|"},
    {116,
     "Intel Xeon D-2777NX|"},
    {117,
     "Intel Xeon D-2776NT|Intel Xeon D-2896NT|"},
    {118,
     "Intel Xeon D-2786NTE|Intel Xeon D-2796TE|"},
    {120,
     "AMD EPYC 4484PX|AMD EPYC 4584PX|AMD EPYC 7203|AMD EPYC 7203P|AMD EPYC 7232P|"
     "AMD EPYC 7251|AMD EPYC 7252|AMD EPYC 7272|AMD EPYC 7282|AMD EPYC 8224PN|"
     "AMD Ryzen 7 7800X3D|AMD Ryzen 7 9800X3D|AMD Ryzen 9 7900X3D|AMD Ryzen 9 7950X3D|"
     "AMD Ryzen 9 9900X|AMD Ryzen 9 9900X3D|Intel Xeon D-2796NT|Intel Xeon E5-2670 v3|"
     "Intel Xeon E5-2680 v3|Intel Xeon E5-2680 v4|Intel Xeon E5-2682 v4|"
     "Intel Xeon E5-2683 v3|Intel Xeon E5-2683 v4|Intel Xeon E5-2695 v3|"
     "Intel Xeon E5-2695 v4|Intel Xeon E5-2696 v2|Intel Xeon E5-4660 v3|"
     "Intel Xeon E5-4660 v4|Intel Xeon E5350|Intel Xeon Gold 6122|Intel Xeon Silver 4310|"
     "Intel Xeon W-2102|Intel Xeon W-2104|Intel Xeon W-2123|Intel Xeon W-2125|"
     "Intel Xeon W-2140B|Intel Xeon W-2150B|Intel Xeon W-2223|Intel Xeon X5355|"
     "Intel Xeon X5365|Intel Xeon X5450|Intel Xeon X5460|Intel Xeon X5470|"
     "Intel Xeon X5472|"},
    {125,
     "975|980|AMD Athlon 64 FX-62|AMD Athlon 64 FX-70|AMD Athlon 64 FX-72|"
     "AMD Athlon 64 FX-74|AMD Athlon 64 FX-76|AMD Athlon 64 X2 6000+|"
     "AMD Athlon 64 X2 6400+ BE|AMD EPYC 8124P|AMD EPYC 9015|AMD EPYC 9115|AMD FX-4130|"
     "AMD FX-4170|AMD FX-4350|AMD FX-6200|AMD FX-6330|AMD FX-6350|AMD FX-8120|AMD FX-8150|"
     "AMD FX-8170|AMD FX-8320|AMD FX-8350|AMD FX-8370|AMD Phenom II 42 TWKR Black Edition|"
     "AMD Phenom II 975|AMD Phenom II 980|AMD Phenom II X4 920|AMD Phenom II X4 940 BE|"
     "AMD Phenom II X4 945 (125W)|AMD Phenom II X4 955 (125W)|AMD Phenom II X4 955 BE|"
     "AMD Phenom II X4 965 BE (125W)|AMD Phenom II X4 970 BE|AMD Phenom II X4 975 BE|"
     "AMD Phenom II X4 980 BE|AMD Phenom II X6 1055T (125W)|AMD Phenom II X6 1065T|"
     "AMD Phenom II X6 1075T|AMD Phenom II X6 1090T BE|AMD Phenom II X6 1100T BE|"
     "AMD Phenom X4 9750 (125W)|AMD Phenom X4 9850 (125W)|AMD Phenom X4 9850 BE|"
     "AMD Phenom X4 9950 BE (125W)|AMD Ryzen Threadripper 1900|FX-4130|FX-4170|FX-4350|"
     "FX-6200|FX-6350|FX-8120|FX-8150|FX-8320|FX-8350|FX-8370|Intel Core i5-10600K|"
     "Intel Core i5-10600KF|Intel Core i5-11600K|Intel Core i5-11600KF|"
     "Intel Core i7-10700K|Intel Core i7-10700KF|Intel Core i7-11700K|"
     "Intel Core i7-11700KF|Intel Core i9 processor 14901KE|Intel Core i9-10850K|"
     "Intel Core i9-10900K|Intel Core i9-10900KF|Intel Core i9-10910|Intel Core i9-11900K|"
     "Intel Core i9-11900KF|Intel Core i9-13900K|Intel Xeon Bronze 3408U|"
     "Intel Xeon Bronze 3508U|Intel Xeon D-2798NT|Intel Xeon Gold 5218|"
     "Intel Xeon Gold 5218B|Intel Xeon Gold 5218R|Intel Xeon Gold 5219Y|"
     "Intel Xeon Gold 5220|Intel Xeon Gold 5220S|Intel Xeon Gold 6126|"
     "Intel Xeon Gold 6126T|Intel Xeon Gold 6130|Intel Xeon Gold 6130H|"
     "Intel Xeon Gold 6130T|Intel Xeon Gold 6138|Intel Xeon Gold 6138T|"
     "Intel Xeon Gold 6209U|Intel Xeon Gold 6226|Intel Xeon Gold 6230|"
     "Intel Xeon Gold 6230N|Intel Xeon Gold 6230T|Intel Xeon Gold 6238T|"
     "Intel Xeon Platinum 8153|Intel Xeon Platinum 8253|Intel Xeon Silver 4216R|"
     "Intel Xeon Silver 4509Y|Intel Xeon W-1250P|Intel Xeon W-1270P|Intel Xeon W-1290P|"
     "Intel Xeon W-1350P|Intel Xeon W-1370P|Intel Xeon W-1390P|"},
    {126,
     "Intel Xeon D-2779|Intel Xeon D-2798NX|"},
    {127,
     "Intel Core i9-9900KS|"},
    {129,
     "Intel Xeon D-2799|Intel Xeon MP 3.0|"},
    {130,
     "AMD EPYC 7303|AMD EPYC 7303P|AMD EPYC 8324PN|Intel Core 2 Extreme QX6700|"
     "Intel Core 2 Extreme QX6800|Intel Core 2 Extreme QX6850|Intel Core 2 Extreme QX9650|"
     "Intel Core 2 Extreme QX9750|Intel Core i7-3820|Intel Core i7-3910K|"
     "Intel Core i7-3930K|Intel Core i7-3960X|Intel Core i7-3960X Extreme Edition|"
     "Intel Core i7-4820K|Intel Core i7-4930K|Intel Core i7-4960X|"
     "Intel Core i7-4960X Extreme Edition|Intel Core i7-920|Intel Core i7-930|"
     "Intel Core i7-940|Intel Core i7-950|Intel Core i7-960|Intel Core i7-965|"
     "Intel Core i7-965 Extreme Edition|Intel Core i7-970|Intel Core i7-975|"
     "Intel Core i7-975 Extreme Edition|Intel Core i7-980|Intel Core i7-980X|"
     "Intel Core i7-990X|Intel Itanium 9310|Intel Itanium 9520|Intel Itanium 9720|"
     "Intel Pentium D 820|Intel Pentium D 830|Intel Pentium D 840|Intel Pentium D 840 EE|"
     "Intel Pentium D 920|Intel Pentium D 930|Intel Pentium D 940|Intel Pentium D 950|"
     "Intel Pentium D 955 EE|Intel Pentium D 960|Intel Pentium D 965 EE|Intel Xeon 5060|"
     "Intel Xeon 5070|Intel Xeon 5080|Intel Xeon 6513P-B|Intel Xeon E5-1603|"
     "Intel Xeon E5-1607|Intel Xeon E5-1607 v2|Intel Xeon E5-1620|Intel Xeon E5-1620 v2|"
     "Intel Xeon E5-1650|Intel Xeon E5-1650 v2|Intel Xeon E5-1660|Intel Xeon E5-1660 v2|"
     "Intel Xeon E5-1680 v2|Intel Xeon E5-2637 v2|Intel Xeon E5-2643|"
     "Intel Xeon E5-2643 v2|Intel Xeon E5-2667|Intel Xeon E5-2667 v2|Intel Xeon E5-2680|"
     "Intel Xeon E5-2690 v2|Intel Xeon E5-2697 v2|Intel Xeon E5-4617|"
     "Intel Xeon E5-4627 v2|Intel Xeon E5-4650|Intel Xeon E7-2850|Intel Xeon E7-2860|"
     "Intel Xeon E7-2870|Intel Xeon E7-2870 v2|Intel Xeon E7-2880 v2|Intel Xeon E7-4850|"
     "Intel Xeon E7-4860|Intel Xeon E7-4860 v2|Intel Xeon E7-4870|Intel Xeon E7-4870 v2|"
     "Intel Xeon E7-4880 v2|Intel Xeon E7-8837|Intel Xeon E7-8850|Intel Xeon E7-8857 v2|"
     "Intel Xeon E7-8860|Intel Xeon E7-8870|Intel Xeon E7-8870 v2|Intel Xeon E7-8880 v2|"
     "Intel Xeon Gold 6134|Intel Xeon Gold 6134M|Intel Xeon Gold 6234|"
     "Intel Xeon Silver 4215R|Intel Xeon W-2235|Intel Xeon W3503|Intel Xeon W3505|"
     "Intel Xeon W3520|Intel Xeon W3530|Intel Xeon W3540|Intel Xeon W3550|"
     "Intel Xeon W3565|Intel Xeon W3570|Intel Xeon W3580|Intel Xeon W3670|"
     "Intel Xeon W3680|Intel Xeon W3690|Intel Xeon W5580|Intel Xeon W5590|"
     "Intel Xeon X5647|Intel Xeon X5677|Intel Xeon X5680|Intel Xeon X5687|"
     "Intel Xeon X5690|Intel Xeon X5698|Intel Xeon X6550|Intel Xeon X7350|"
     "Intel Xeon X7460|Intel Xeon X7542|Intel Xeon X7550|Intel Xeon X7560|"},
    {135,
     "Intel Xeon 3.0|Intel Xeon 3.2|Intel Xeon 3.4|Intel Xeon 3.6|Intel Xeon D-2899NT|"
     "Intel Xeon E5-2637 v3|Intel Xeon E5-2637 v4|Intel Xeon E5-2643 v3|"
     "Intel Xeon E5-2643 v4|Intel Xeon E5-2667 v3|Intel Xeon E5-2667 v4|"
     "Intel Xeon E5-2673 v4|Intel Xeon E5-2690|Intel Xeon E5-2690 v3|"
     "Intel Xeon E5-2690 v4|Intel Xeon E5-2698 v3|Intel Xeon E5-2698 v4|"
     "Intel Xeon E5-4627 v3|Intel Xeon E5-4627 v4|Intel Xeon E5-4655 v3|"
     "Intel Xeon E5-4655 v4|Intel Xeon E5-4667 v3|Intel Xeon E5-4667 v4|"
     "Intel Xeon E5-4669 v3|Intel Xeon E5-4669 v4|Intel Xeon Gold 6126F|"
     "Intel Xeon Gold 6130F|Intel Xeon Gold 6138F|Intel Xeon Gold 6139|"
     "Intel Xeon Gold 6139M|Intel Xeon Gold 6262|Intel Xeon Gold 6262V|Intel Xeon MP 2.83|"
     "Intel Xeon MP 3.00|Intel Xeon MP 3.16|Intel Xeon MP 3.33|Intel Xeon MP 3.50|"
     "Intel Xeon MP 3.66|Intel Xeon MP 7020 Dual-Core|Intel Xeon MP 7030 Dual-Core|"
     "Intel Xeon MP 7040 Dual-Core|Intel Xeon MP 7041 Dual-Core|Intel Xeon Silver 4314|"},
    {136,
     "Intel Core 2 Extreme QX9770|"},
    {140,
     "6180 SE|6282 SE|6284 SE|6386 SE|AMD Opteron 6180 SE|AMD Opteron 6282 SE|"
     "AMD Opteron 6284 SE|AMD Opteron 6386 SE|AMD Phenom II X4 965 BE (140W)|"
     "AMD Phenom X4 9950 BE (140W)|AMD Ryzen Threadripper 1920|Intel Core i7-5820K|"
     "Intel Core i7-5930K|Intel Core i7-5960X|Intel Core i7-5960X Extreme Edition|"
     "Intel Core i7-6800K|Intel Core i7-6850K|Intel Core i7-6900K|Intel Core i7-6950X|"
     "Intel Core i7-6950X Extreme Edition|Intel Core i7-7800X|"
     "Intel Core i7-7800X X-series|Intel Core i7-7820X|Intel Core i7-7820X X-series|"
     "Intel Core i9-7900X|Intel Core i9-7900X X-series|Intel Core i9-7920X|"
     "Intel Core i9-7920X X-series|Intel Xeon E5-1603 v3|Intel Xeon E5-1603 v4|"
     "Intel Xeon E5-1607 v4|Intel Xeon E5-1620 v3|Intel Xeon E5-1620 v4|"
     "Intel Xeon E5-1630 v3|Intel Xeon E5-1630 v4|Intel Xeon E5-1650 v3|"
     "Intel Xeon E5-1650 v4|Intel Xeon E5-1660 v3|Intel Xeon E5-1660 v4|"
     "Intel Xeon E5-1680 v3|Intel Xeon E5-1680 v4|Intel Xeon E7-8855 v4|"
     "Intel Xeon E7-8860 v3|Intel Xeon E7-8860 v4|Intel Xeon E7-8870 v3|"
     "Intel Xeon E7-8870 v4|Intel Xeon E7-8893 v3|Intel Xeon E7-8893 v4|"
     "Intel Xeon Gold 5315Y|Intel Xeon Gold 6132|Intel Xeon Gold 6140|"
     "Intel Xeon Gold 6140M|Intel Xeon Gold 6152|Intel Xeon Gold 6238|"
     "Intel Xeon Gold 6238L|Intel Xeon Gold 6238M|Intel Xeon W-2133|Intel Xeon W-2135|"
     "Intel Xeon W-2145|Intel Xeon W-2155|Intel Xeon W-2175|Intel Xeon W-2191B|"
     "Intel Xeon W-2195|"},
    {145,
     "Intel Xeon 6516P-B|Intel Xeon AWS-1100 v4|Intel Xeon E5-2666 v4|"
     "Intel Xeon E5-2676 v4|Intel Xeon E5-2686 v4|Intel Xeon E5-2689A v4|"
     "Intel Xeon E5-2697 v3|Intel Xeon E5-2697 v4|Intel Xeon E5-2697A v4|"
     "Intel Xeon E5-2699 v3|Intel Xeon E5-2699 v4|Intel Xeon E5-2699A v4|"
     "Intel Xeon E5-2699C v4|Intel Xeon E5-2699R v4|Intel Xeon Gold 5423N|"
     "Intel Xeon Gold 6127M|Intel Xeon Gold 6145|Intel Xeon Gold 6159|"
     "Intel Xeon Platinum 8157M|"},
    {150,
     "Intel Core 2 Extreme QX9775|Intel Core i7-3970X|Intel Core i7-3970X Extreme Edition|"
     "Intel Xeon 6505P|Intel Xeon 6507P|Intel Xeon 6511P|Intel Xeon 6515P|"
     "Intel Xeon 7130M|Intel Xeon 7130N|Intel Xeon 7140M|Intel Xeon 7140N|"
     "Intel Xeon 7150N|Intel Xeon E5-2687W|Intel Xeon E5-2687W v2|Intel Xeon E5-2696 v4|"
     "Intel Xeon E7-8880 v3|Intel Xeon E7-8880 v4|Intel Xeon Gold 5220R|"
     "Intel Xeon Gold 5317|Intel Xeon Gold 5318H|Intel Xeon Gold 5318N|"
     "Intel Xeon Gold 5320H|Intel Xeon Gold 5320T|Intel Xeon Gold 5415+|"
     "Intel Xeon Gold 5416S|Intel Xeon Gold 6133|Intel Xeon Gold 6136|"
     "Intel Xeon Gold 6142|Intel Xeon Gold 6142M|Intel Xeon Gold 6144|"
     "Intel Xeon Gold 6147M|Intel Xeon Gold 6148|Intel Xeon Gold 6162|"
     "Intel Xeon Gold 6164|Intel Xeon Gold 6208U|Intel Xeon Gold 6210U|"
     "Intel Xeon Gold 6226R|Intel Xeon Gold 6230R|Intel Xeon Gold 6240|"
     "Intel Xeon Gold 6240C|Intel Xeon Gold 6240L|Intel Xeon Gold 6240M|"
     "Intel Xeon Gold 6240Y|Intel Xeon Gold 6242|Intel Xeon Gold 6244|"
     "Intel Xeon Gold 6248|Intel Xeon Gold 6252|Intel Xeon Gold 6252N|"
     "Intel Xeon Gold 6330H|Intel Xeon Platinum 8158|Intel Xeon Platinum 8160|"
     "Intel Xeon Platinum 8160H|Intel Xeon Platinum 8160M|Intel Xeon Platinum 8160T|"
     "Intel Xeon Platinum 8164|Intel Xeon Platinum 8249C|Intel Xeon Platinum 8353H|"
     "Intel Xeon Silver 4316|Intel Xeon Silver 4410T|Intel Xeon Silver 4410Y|"
     "Intel Xeon Silver 4510|Intel Xeon Silver 4514Y|Intel Xeon X5482|Intel Xeon X5492|"},
    {155,
     "AMD EPYC 7262|AMD EPYC 7302|AMD EPYC 7302P|AMD EPYC 7313|AMD EPYC 7313P|"
     "AMD EPYC 7352|AMD EPYC 7452|AMD EPYC 8434PN|Intel Itanium 9320|Intel Itanium 9330|"
     "Intel Xeon E7-2890 v2|Intel Xeon E7-4890 v2|Intel Xeon E7-8890 v2|"
     "Intel Xeon E7-8891 v2|Intel Xeon E7-8893 v2|Intel Xeon E7-8895 v2|"
     "Intel Xeon Gold 6135|Intel Xeon Gold 6135M|Intel Xeon W-2245|"},
    {160,
     "AMD EPYC 8224P|Intel Xeon 6543P-B|Intel Xeon E5-2687W v3|Intel Xeon E5-2687W v4|"
     "Intel Xeon Gold 5216W|Intel Xeon Gold 5433N|Intel Xeon Gold 6142F|"
     "Intel Xeon Gold 6148F|Intel Xeon Platinum 8160F|Intel Xeon W-3223|Intel Xeon W-3225|"},
    {165,
     "Intel Core i7-9800X|Intel Core i7-9800X X-series|Intel Core i9-10900X|"
     "Intel Core i9-10900X X-series|Intel Core i9-10920X|Intel Core i9-10920X X-series|"
     "Intel Core i9-10940X|Intel Core i9-10940X X-series|Intel Core i9-10980XE|"
     "Intel Core i9-10980XE Extreme Edition|Intel Core i9-7940X|"
     "Intel Core i9-7940X X-series|Intel Core i9-7960X|Intel Core i9-7960X X-series|"
     "Intel Core i9-7980XE|Intel Core i9-7980XE Extreme Edition|Intel Core i9-9820X|"
     "Intel Core i9-9820X X-series|Intel Core i9-9900X|Intel Core i9-9900X X-series|"
     "Intel Core i9-9920X|Intel Core i9-9920X X-series|Intel Core i9-9940X|"
     "Intel Core i9-9940X X-series|Intel Core i9-9960X|Intel Core i9-9960X X-series|"
     "Intel Core i9-9980XE|Intel Core i9-9980XE Extreme Edition|Intel Xeon 6714P|"
     "Intel Xeon 7020|Intel Xeon 7030|Intel Xeon 7040|Intel Xeon 7041|"
     "Intel Xeon E5-2689 v4|Intel Xeon E7-8867 v3|Intel Xeon E7-8867 v4|"
     "Intel Xeon E7-8890 v3|Intel Xeon E7-8890 v4|Intel Xeon E7-8891 v3|"
     "Intel Xeon E7-8891 v4|Intel Xeon E7-8894 v4|Intel Xeon Gold 5318S|"
     "Intel Xeon Gold 5318Y|Intel Xeon Gold 5411N|Intel Xeon Gold 5418N|"
     "Intel Xeon Gold 5515+|Intel Xeon Gold 6143|Intel Xeon Gold 6146|"
     "Intel Xeon Gold 6150|Intel Xeon Gold 6161|Intel Xeon Gold 6212U|"
     "Intel Xeon Gold 6233|Intel Xeon Gold 6238R|Intel Xeon Gold 6240R|"
     "Intel Xeon Gold 6246|Intel Xeon Gold 6267|Intel Xeon Gold 6267C|"
     "Intel Xeon Gold 6271C|Intel Xeon Gold 6273C|Intel Xeon Gold 6328H|"
     "Intel Xeon Gold 6328HL|Intel Xeon Gold 6330N|Intel Xeon Gold 6334|"
     "Intel Xeon Gold 6338T|Intel Xeon Gold 6348H|Intel Xeon Gold 6416H|"
     "Intel Xeon Platinum 8163|Intel Xeon Platinum 8165|Intel Xeon Platinum 8167M|"
     "Intel Xeon Platinum 8170|Intel Xeon Platinum 8170M|Intel Xeon Platinum 8171M|"
     "Intel Xeon Platinum 8173M|Intel Xeon Platinum 8176|Intel Xeon Platinum 8176M|"
     "Intel Xeon Platinum 8255C|Intel Xeon Platinum 8260|Intel Xeon Platinum 8260L|"
     "Intel Xeon Platinum 8260M|Intel Xeon Platinum 8260Y|Intel Xeon Platinum 8263C|"
     "Intel Xeon Platinum 8273CL|Intel Xeon Platinum 8276|Intel Xeon Platinum 8276L|"
     "Intel Xeon Platinum 8276M|Intel Xeon Platinum P-8136|Intel Xeon Silver 4416+|"
     "Intel Xeon W-2255|Intel Xeon W-2265|Intel Xeon W-2275|Intel Xeon W-2295|"},
    {170,
     "AMD EPYC 4564P|AMD EPYC 4565P|AMD EPYC 4585PX|AMD EPYC 7261|AMD EPYC 7281|"
     "AMD EPYC 7301|AMD EPYC 7351|AMD EPYC 7351P|AMD EPYC 7401|AMD EPYC 7401P|"
     "AMD EPYC 7501|AMD Ryzen 9 7900X|AMD Ryzen 9 7950X|AMD Ryzen 9 9950X|"
     "AMD Ryzen 9 9950X3D|Intel Itanium 9540|Intel Itanium 9550|Intel Itanium 9560|"
     "Intel Itanium 9740|Intel Itanium 9750|Intel Itanium 9760|"},
    {173,
     "Intel Xeon Platinum 8176F|"},
    {175,
     "AMD EPYC 8534PN|Intel Xeon 6523P-B|"},
    {180,
     "AMD EPYC 72F3|AMD EPYC 7402|AMD EPYC 7402P|AMD EPYC 7413|AMD EPYC 7451|"
     "AMD EPYC 7502|AMD EPYC 7502P|AMD EPYC 7551|AMD EPYC 7551P|AMD EPYC 7601|"
     "AMD EPYC 7F32|AMD EPYC 8324P|AMD Ryzen Threadripper 1900X|"
     "AMD Ryzen Threadripper 1920X|AMD Ryzen Threadripper 1940|"
     "AMD Ryzen Threadripper 1940X|AMD Ryzen Threadripper 1950|"
     "AMD Ryzen Threadripper 1950X|AMD Ryzen Threadripper 2920X|"
     "AMD Ryzen Threadripper 2950X|Intel Xeon Gold 6245W|Intel Xeon W-3235|"},
    {185,
     "Intel Itanium 9340|Intel Itanium 9350|Intel Xeon 5320|Intel Xeon Gold 5320|"
     "Intel Xeon Gold 5412U|Intel Xeon Gold 5418Y|Intel Xeon Gold 5512U|"
     "Intel Xeon Gold 6231|Intel Xeon Gold 6231C|Intel Xeon Gold 6250|"
     "Intel Xeon Gold 6250L|Intel Xeon Gold 6278C|Intel Xeon Gold 6312U|"
     "Intel Xeon Gold 6326|Intel Xeon Gold 6336Y|Intel Xeon Gold 6338N|"
     "Intel Xeon Gold 6403N|Intel Xeon Gold 6418H|Intel Xeon Gold 6421N|"
     "Intel Xeon Gold 6426Y|Intel Xeon Gold 6428N|Intel Xeon Platinum 8352M|"
     "Intel Xeon Silver 4516Y+|"},
    {190,
     "AMD EPYC 7343|Intel Core i7-12700K|Intel Xeon 6517P|Intel Xeon Platinum 8356H|"},
    {195,
     "Intel Xeon 6546P-B|Intel Xeon Gold 6138P|Intel Xeon Gold 6423N|Intel Xeon Gold 6434|"
     "Intel Xeon Gold 6434H|Intel Xeon Gold 6443N|Intel Xeon Gold 6526Y|"
     "Intel Xeon Gold 6534|Intel Xeon Platinum 8272CL|Intel Xeon Platinum 8272L|"
     "Intel Xeon Platinum 8352V|"},
    {200,
     "AMD EPYC 7371|AMD EPYC 7443|AMD EPYC 7443P|AMD EPYC 7513|AMD EPYC 7532|"
     "AMD EPYC 7552|AMD EPYC 7702|AMD EPYC 7702P|AMD EPYC 8434P|AMD EPYC 8534P|"
     "AMD EPYC 9124|AMD EPYC 9135|AMD EPYC 9224|AMD EPYC 9254|AMD EPYC 9255|"
     "Intel Xeon E5-2679 v4|Intel Xeon Gold 6154|Intel Xeon Gold 6155|"
     "Intel Xeon Gold 6253W|Intel Xeon Gold 6254|Intel Xeon Platinum 8222L|"},
    {205,
     "Intel Xeon 6533P-B|Intel Xeon 6710E|Intel Xeon 6736P|Intel Xeon Gold 5420+|"
     "Intel Xeon Gold 5520+|Intel Xeon Gold 6131|Intel Xeon Gold 6137|"
     "Intel Xeon Gold 6137M|Intel Xeon Gold 6149|Intel Xeon Gold 6151|"
     "Intel Xeon Gold 6241W|Intel Xeon Gold 6242R|Intel Xeon Gold 6246R|"
     "Intel Xeon Gold 6248R|Intel Xeon Gold 6253CL|Intel Xeon Gold 6256|"
     "Intel Xeon Gold 6258R|Intel Xeon Gold 6261|Intel Xeon Gold 6263CY|"
     "Intel Xeon Gold 6266C|Intel Xeon Gold 6268CL|Intel Xeon Gold 6314U|"
     "Intel Xeon Gold 6330|Intel Xeon Gold 6338|Intel Xeon Gold 6346|Intel Xeon Gold 6354|"
     "Intel Xeon Gold 6433N|Intel Xeon Gold 6433NE|Intel Xeon Gold 6438M|"
     "Intel Xeon Gold 6438N|Intel Xeon Gold 6438Y+|Intel Xeon Gold 6538N|"
     "Intel Xeon Platinum 8168|Intel Xeon Platinum 8172M|Intel Xeon Platinum 8180|"
     "Intel Xeon Platinum 8180M|Intel Xeon Platinum 8267W|Intel Xeon Platinum 8268|"
     "Intel Xeon Platinum 8269CY|Intel Xeon Platinum 8270|Intel Xeon Platinum 8279W|"
     "Intel Xeon Platinum 8280|Intel Xeon Platinum 8280L|Intel Xeon Platinum 8280M|"
     "Intel Xeon Platinum 8352S|Intel Xeon Platinum 8352Y|Intel Xeon Platinum 8354H|"
     "Intel Xeon Platinum 8370C|Intel Xeon Platinum 8376H|Intel Xeon Platinum 8376HL|"
     "Intel Xeon W-3245|Intel Xeon W-3245M|Intel Xeon W-3265|Intel Xeon W-3265M|"
     "Intel Xeon W-3275|Intel Xeon W-3275M|"},
    {210,
     "AMD EPYC 9334|AMD EPYC 9335|Intel Xeon 6520P|Intel Xeon 6724P|Intel Xeon 6728P|"
     "Intel Xeon Platinum 8259CL|Intel Xeon Platinum 8259L|Intel Xeon Platinum 8347C|"},
    {215,
     "Intel Xeon 6556P-B|Intel Xeon Phi 7210|Intel Xeon Phi 7230|Intel Xeon Phi 7250|"},
    {220,
     "AMD FX-9370|AMD FX-9590|FX-9370|FX-9590|Intel Xeon W-3323|"},
    {225,
     "AMD EPYC 7453|AMD EPYC 7542|AMD EPYC 7543|AMD EPYC 7543P|AMD EPYC 7642|"
     "AMD EPYC 7643|AMD EPYC 7643P|AMD EPYC 7662|AMD EPYC 7713|AMD EPYC 7713P|"
     "AMD EPYC 7742|AMD EPYC 7R13|Intel Xeon 6521P|Intel Xeon 6530P|Intel Xeon 6756E|"
     "Intel Xeon Gold 6442Y|Intel Xeon Gold 6448Y|Intel Xeon Gold 6538Y+|"
     "Intel Xeon Phi 5110P|Intel Xeon Platinum 8351N|Intel Xeon Platinum 8360H|"
     "Intel Xeon Platinum 8360HL|Intel Xeon W7-2495X|"},
    {230,
     "Intel Xeon Gold 6342|Intel Xeon Phi 7210F|Intel Xeon Phi 7230F|Intel Xeon Phi 7250F|"},
    {235,
     "Intel Xeon 6553P-B|Intel Xeon 6563P-B|Intel Xeon 6706P-B|Intel Xeon 6716P-B|"
     "Intel Xeon 6726P-B|Intel Xeon Gold 6348|"},
    {240,
     "AMD EPYC 7373X|AMD EPYC 73F3|AMD EPYC 7473X|AMD EPYC 74F3|AMD EPYC 7663|"
     "AMD EPYC 7663P|AMD EPYC 7B12|AMD EPYC 7F52|AMD EPYC 7F72|Intel Xeon Gold 6269Y|"
     "Intel Xeon Gold 6290|Intel Xeon Platinum 8124M|Intel Xeon Platinum 8151|"
     "Intel Xeon Platinum 8174|Intel Xeon Platinum 8175M|Intel Xeon Platinum 8179M|"
     "Intel Xeon Platinum 8251|Intel Xeon Platinum 8274|Intel Xeon Platinum 8275CL|"
     "Intel Xeon Platinum 8284|Intel Xeon Platinum 8357C|Intel Xeon Platinum 8358P|"
     "Intel Xeon Platinum P-8124|"},
    {245,
     "Intel Xeon 6731P|Intel Xeon Phi 5120D|Intel Xeon Phi 7290|"},
    {250,
     "AMD Ryzen Threadripper 2970WX|AMD Ryzen Threadripper 2990WX|Intel Xeon 6730P|"
     "Intel Xeon 6731E|Intel Xeon 6740E|Intel Xeon 6746E|Intel Xeon 6766E|"
     "Intel Xeon Gold 6414U|Intel Xeon Gold 6448H|Intel Xeon Gold 6542Y|"
     "Intel Xeon Gold 6548N|Intel Xeon Gold 6548Y+|Intel Xeon Phi 7235|"
     "Intel Xeon Phi 7285|Intel Xeon Platinum 8358|Intel Xeon Platinum 8360Y|"
     "Intel Xeon Platinum 8380H|Intel Xeon Platinum 8380HL|Intel Xeon Platinum 8450H|"
     "Intel Xeon Platinum 9221|Intel Xeon Platinum 9222|Intel Xeon W-3335|"
     "Intel Xeon W-3345|"},
    {255,
     "Intel Core i9-9990XE|Intel Xeon 6527P|Intel Xeon W-3175X|"},
    {260,
     "Intel Xeon Phi 7290F|"},
    {265,
     "Intel Xeon Platinum 8362|"},
    {270,
     "Intel Xeon 6737P|Intel Xeon 6738P|Intel Xeon 6740P|Intel Xeon Gold 6430|"
     "Intel Xeon Gold 6444Y|Intel Xeon Gold 6454S|Intel Xeon Gold 6530|"
     "Intel Xeon Gold 6544Y|Intel Xeon Gold 6554S|Intel Xeon Phi 31S1P|"
     "Intel Xeon Phi 7120D|Intel Xeon Platinum 8368|Intel Xeon Platinum 8368Q|"
     "Intel Xeon Platinum 8380|Intel Xeon Platinum 8444H|Intel Xeon Platinum 8454H|"
     "Intel Xeon Platinum 8581V|Intel Xeon W-3365|Intel Xeon W-3375|"},
    {280,
     "AMD EPYC 7573X|AMD EPYC 75F3|AMD EPYC 7763|AMD EPYC 7773X|AMD EPYC 7H12|"
     "AMD EPYC 9354|AMD EPYC 9354P|AMD EPYC 9355|AMD EPYC 9355P|AMD EPYC 9534|"
     "AMD Ryzen Threadripper 3960X|AMD Ryzen Threadripper 3970X|"
     "AMD Ryzen Threadripper 3980X|AMD Ryzen Threadripper 3990X|"
     "AMD Ryzen Threadripper PRO 3945WX|AMD Ryzen Threadripper PRO 3955WX|"
     "AMD Ryzen Threadripper PRO 3975WX|AMD Ryzen Threadripper PRO 3995WX|"
     "AMD Ryzen Threadripper PRO 5945WX|AMD Ryzen Threadripper PRO 5955WX|"
     "AMD Ryzen Threadripper PRO 5965WX|AMD Ryzen Threadripper PRO 5975WX|"
     "AMD Ryzen Threadripper PRO 5995WX|"},
    {290,
     "AMD EPYC 9454|AMD EPYC 9454P|AMD EPYC 9634|"},
    {300,
     "AMD EPYC 9365|AMD EPYC 9455|AMD EPYC 9455P|AMD EPYC 9535|Intel Aubrey Isle|"
     "Intel Xeon 6741P|Intel Xeon 6745P|Intel Xeon 6748P|Intel Xeon E5-2699P v4|"
     "Intel Xeon Phi 3110X|Intel Xeon Phi 3120A|Intel Xeon Phi 3120P|Intel Xeon Phi 7110P|"
     "Intel Xeon Phi 7110X|Intel Xeon Phi 7120A|Intel Xeon Phi 7120P|Intel Xeon Phi 7120X|"
     "Intel Xeon Phi SE10P|Intel Xeon Phi SE10X|Intel Xeon Platinum 8372C|"
     "Intel Xeon Platinum 8373C|Intel Xeon Platinum 8375C|Intel Xeon Platinum 8452Y|"
     "Intel Xeon Platinum 8460Y+|Intel Xeon Platinum 8461V|Intel Xeon Platinum 8462Y+|"
     "Intel Xeon Platinum 8470N|Intel Xeon Platinum 8471N|Intel Xeon Platinum 8558U|"
     "Intel Xeon Platinum 8562Y+|Intel Xeon Platinum 8571N|"},
    {320,
     "AMD EPYC 9174F|AMD EPYC 9175F|AMD EPYC 9184X|AMD EPYC 9274F|AMD EPYC 9275F|"
     "AMD EPYC 9374F|AMD EPYC 9375F|AMD EPYC 9384X|AMD EPYC 9645|Intel Xeon Phi 7295|"},
    {330,
     "Intel Xeon 6747P|Intel Xeon 6760P|Intel Xeon 6768P|Intel Xeon 6780E|"
     "Intel Xeon Platinum 8460H|Intel Xeon Platinum 8468H|Intel Xeon Platinum 8468V|"
     "Intel Xeon Platinum 8558|Intel Xeon Platinum 8592V|"},
    {340,
     "AMD EPYC 9734|"},
    {350,
     "AMD Ryzen Threadripper 7960X|AMD Ryzen Threadripper 7970X|"
     "AMD Ryzen Threadripper 7980X|AMD Ryzen Threadripper 9960X|"
     "AMD Ryzen Threadripper 9970X|AMD Ryzen Threadripper 9980X|"
     "AMD Ryzen Threadripper PRO 7945WX|AMD Ryzen Threadripper PRO 7955WX|"
     "AMD Ryzen Threadripper PRO 7965WX|AMD Ryzen Threadripper PRO 7975WX|"
     "AMD Ryzen Threadripper PRO 7985WX|AMD Ryzen Threadripper PRO 7995WX|"
     "AMD Ryzen Threadripper PRO 9945WX|AMD Ryzen Threadripper PRO 9955WX|"
     "AMD Ryzen Threadripper PRO 9965WX|AMD Ryzen Threadripper PRO 9975WX|"
     "AMD Ryzen Threadripper PRO 9985WX|AMD Ryzen Threadripper PRO 9995WX|"
     "Intel Xeon 6732P|Intel Xeon 6761P|Intel Xeon 6767P|Intel Xeon 6774P|"
     "Intel Xeon 6776P|Intel Xeon 6781P|Intel Xeon 6787P|Intel Xeon 6788P|"
     "Intel Xeon 6944P|Intel Xeon CPU Max 9460|Intel Xeon CPU Max 9462|"
     "Intel Xeon CPU Max 9468|Intel Xeon CPU Max 9470|Intel Xeon CPU Max 9480|"
     "Intel Xeon Gold 6458Q|Intel Xeon Gold 6558Q|Intel Xeon Platinum 8458P|"
     "Intel Xeon Platinum 8468|Intel Xeon Platinum 8470|Intel Xeon Platinum 8470Q|"
     "Intel Xeon Platinum 8480+|Intel Xeon Platinum 8490H|Intel Xeon Platinum 8558P|"
     "Intel Xeon Platinum 8568Y+|Intel Xeon Platinum 8570|Intel Xeon Platinum 8580|"
     "Intel Xeon Platinum 8592+|Intel Xeon Platinum 9242|"},
    {360,
     "AMD EPYC 9474F|AMD EPYC 9554|AMD EPYC 9554P|AMD EPYC 9555|AMD EPYC 9555P|"
     "AMD EPYC 9654|AMD EPYC 9654P|AMD EPYC 9754|AMD EPYC 9754S|"},
    {380,
     "Intel Core i9-10990XE|"},
    {385,
     "Intel Xeon Platinum 8593Q|"},
    {390,
     "AMD EPYC 9825|AMD EPYC 9845|"},
    {400,
     "AMD EPYC 9475F|AMD EPYC 9565|AMD EPYC 9575F|AMD EPYC 9655|AMD EPYC 9655P|"
     "AMD EPYC 9684X|AMD EPYC 9745|Intel Xeon 6952P|Intel Xeon Platinum 9282|"},
    {500,
     "AMD EPYC 9755|AMD EPYC 9965|Intel Xeon 6960P|Intel Xeon 6972P|Intel Xeon 6979P|"
     "Intel Xeon 6980P|"},
};
const size_t sw_n_tdp_groups = sizeof sw_tdp_groups / sizeof sw_tdp_groups[0];
