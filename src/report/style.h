/* SPDX-License-Identifier: GPL-2.0-or-later */
/**
 * @file
 * The report's style sheet. The page is read on a phone, on a desk in light or dark, and on paper;
 * colours are variables, blue and orange so that those who see no red or green tell them apart.
 */
#ifndef EYRIE_REPORT_STYLE_H
#define EYRIE_REPORT_STYLE_H

#define REPORT_COLOURS_LIGHT                                                                  \
	"--paper:#fff;--ink:#1c2430;--soft:#5a6676;--faint:#e3e7ec;--panel:#f6f7f9;"          \
	"--known:#4c78a8;--new:#e8811a;--hosts:#7a8798;--link:#1f5fae;--bad:#b3261e;--good:#" \
	"2c7a4b;"
#define REPORT_COLOURS_DARK                                                                   \
	"--paper:#12161c;--ink:#e6eaf0;--soft:#9aa7b6;--faint:#2a323d;--panel:#1a2028;"       \
	"--known:#6f9fd8;--new:#f2a046;--hosts:#8794a6;--link:#8ab8f5;--bad:#ff8a80;--good:#" \
	"7fd1a0;"

static const char report_style[] =
	":root{color-scheme:light dark;" REPORT_COLOURS_LIGHT "}\n"
	"@media screen and (prefers-color-scheme:dark){:root{" REPORT_COLOURS_DARK "}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--paper);color:var(--ink);"
	"font:.95rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica "
	"Neue',Arial,sans-serif}\n"
	"main,header,footer{max-width:68rem;margin:0 auto;padding:0 1.25rem}\n"
	"header{padding-top:2rem}\n"
	"h1{font-size:1.75rem;line-height:1.2;margin:0;letter-spacing:-.01em}\n"
	"h2{font-size:1.1rem;margin:0 0 .6rem}\n"
	".sub{color:var(--soft);margin:.25rem 0 0}\n"
	".summary{font-size:1.15rem;line-height:1.55;max-width:50rem;margin:1.1rem 0 1.4rem}\n"
	"section{margin:0 0 2.2rem}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(10.5rem,1fr));gap:.75rem}"
	"\n"
	".tile{background:var(--panel);border-radius:.5rem;padding:.8rem 1rem}\n"
	".tile .name{color:var(--soft);font-size:.85rem}\n"
	".tile .big{font-size:1.9rem;line-height:1.25;font-weight:600;"
	"font-variant-numeric:tabular-nums}\n"
	".tile .more{color:var(--soft);font-size:.85rem}\n"
	".pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(25rem,100%),1fr));gap:"
	"0 "
	"2.5rem}\n"
	".pair section{min-width:0}\n"
	"a{color:var(--link);text-decoration:none}\n"
	"a:hover,a:focus{text-decoration:underline}\n"
	".scroll{overflow-x:auto}\n"
	"table{border-collapse:collapse;width:100%;font-size:.92rem}\n"
	"th,td{text-align:left;padding:.38rem .8rem .38rem 0;border-bottom:1px solid var(--faint);"
	"vertical-align:top}\n"
	"th:last-child,td:last-child{padding-right:0}\n"
	"thead th{color:var(--soft);font-weight:500;font-size:.82rem;white-space:nowrap}\n"
	"tbody th{font-weight:500;overflow-wrap:anywhere}\n"
	"td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
	"td.t{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}\n"
	"table.wide{table-layout:auto}table.wide tbody th{width:44%}table.wide td.b{width:16%}\n"
	"table.wide td:last-child{white-space:nowrap}\n"
	"td.b{width:26%;min-width:4rem;vertical-align:middle}\n"
	"tr.rest td,tr.rest th{color:var(--soft);font-weight:400}\n"
	".key{display:block;color:var(--soft);font:.8rem "
	"ui-monospace,SFMono-Regular,Menlo,Consolas,"
	"monospace;overflow-wrap:anywhere}\n"
	".tag{display:inline-block;font-size:.75rem;line-height:1.35;border:1px solid currentColor;"
	"border-radius:1rem;padding:0 .5em;margin-left:.4em;white-space:nowrap;font-weight:500}\n"
	".tag.fresh{color:var(--new)}.tag.open{color:var(--bad)}.tag.over{color:var(--good)}\n"
	".tag.taken,.tag.state{color:var(--soft)}\n"
	".legend{color:var(--soft);font-size:.85rem;margin:.2rem 0 0}\n"
	".legend svg{width:.8em;height:.8em;margin:0 .35em 0 0;vertical-align:-.05em}\n"
	".legend span{margin-right:1.2em;white-space:nowrap}\n"
	".note,.none{color:var(--soft);font-size:.88rem;margin:.3rem 0 0}\n"
	"svg.chart{display:block;width:100%;min-width:38rem;height:auto}\n"
	"svg.bar{display:block;width:100%;height:.75rem}\n"
	"svg text{fill:var(--soft);font:11px system-ui,-apple-system,'Segoe UI',Roboto,Arial,"
	"sans-serif;font-variant-numeric:tabular-nums}\n"
	"svg .x,svg .value{text-anchor:middle}svg .y{text-anchor:end}svg .value{fill:var(--ink)}\n"
	"svg .grid{stroke:var(--faint);fill:none}svg .axis{stroke:var(--soft);fill:none}\n"
	"svg .known{fill:var(--known)}svg .new{fill:var(--new)}svg .hosts{fill:var(--hosts)}\n"
	"svg .future{fill:var(--faint);opacity:.45}\n"
	"svg .line{fill:none;stroke-width:2;stroke-linejoin:round}\n"
	"svg .line.known{stroke:var(--known)}svg "
	".line.hosts{stroke:var(--hosts);stroke-dasharray:5 4}\n"
	"footer{color:var(--soft);font-size:.85rem;padding-top:1rem;padding-bottom:2rem;"
	"border-top:1px solid var(--faint)}\n"
	"footer p{max-width:50rem;margin:.4rem 0}\n"
	"@media screen and (max-width:46rem){table.wide td.b,table.wide thead th:nth-child(2),"
	".opt{display:none}table.roomy{min-width:38rem}.summary{font-size:1.05rem}"
	".tile .big{font-size:1.5rem}}\n"
	"@page{size:A4;margin:15mm}\n"
	"@media print{html{font-size:11px}header{padding-top:0}main,header,footer{max-width:none;"
	"padding-left:0;padding-right:0}.tile{border:1px solid var(--faint);background:none}\n"
	"h2,thead{break-after:avoid}tr,svg.chart,.tile{break-inside:avoid}.pair{"
	"grid-template-columns:1fr 1fr;gap:0 8mm}.scroll{overflow:visible}svg.chart{min-width:0}\n"
	".tiles{grid-template-columns:repeat(5,1fr)}a{color:inherit}\n"
	"*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}\n";

#endif
