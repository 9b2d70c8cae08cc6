"""What the court's page adds to the style sheets: outcomes on a timeline, lines of the lead."""

COURT_STYLE = """
.badge.opened{color:var(--faint)}
.spell{stroke-width:.7}
.spell.quiet{fill:var(--good);stroke:var(--good)}
.spell.watch{fill:var(--full);stroke:var(--part)}
.spell.warning{fill:url(#hatch-purge);stroke:var(--faint)}
.spell.critical{fill:var(--failed);stroke:var(--failed)}
.spell.opened{fill:var(--ground);stroke:var(--faint);stroke-dasharray:2 2}
.turn{stroke:var(--ground);stroke-width:1;stroke-linejoin:round;paint-order:stroke}
.turn.quiet{fill:var(--good)}
.turn.watch{fill:var(--c5)}
.turn.warning{fill:var(--warned)}
.turn.critical{fill:var(--failed)}
.turn.opened{fill:var(--faint)}
.margin{fill:none;stroke:var(--failed);stroke-width:1.2}
.wanted{fill:none;stroke:var(--good);stroke-width:1.2;stroke-dasharray:2 2}
.least{fill:none;stroke:var(--ink);stroke-width:1;stroke-dasharray:5 3}
.edge{fill:none;stroke:var(--band);stroke-width:.8}
.summary li{max-width:80ch}
.criteria .chosen td:last-child{font-weight:400}
@media screen and (min-width:641px){
.criteria tbody th{width:26%}
.criteria td{width:10%}
.criteria td:nth-of-type(2){width:13%}
.criteria td:last-child{width:auto}
.judgments table{font-size:.86rem}
.judgments tbody th,.judgments td:first-of-type,.judgments.ends td:nth-of-type(-n+3),
.judgments.cases td:nth-of-type(2){white-space:nowrap}
}
"""
