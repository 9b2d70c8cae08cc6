"""What the drift page adds to the style sheets: tones of the heat map, marks of the figures."""

DRIFT_STYLE = """
:root{--tone0:#e7eef4;--tone1:#a3c6e0;--tone2:#3f86bd;--tone3:#08324d}
@media screen and (prefers-color-scheme:dark){
:root{--tone0:#232a31;--tone1:#2f546f;--tone2:#5c9fcf;--tone3:#e6f3fc}}
.tone{fill:none;stroke-width:9}
rect.tone{stroke:none}
.tone.p0{stroke:var(--tone0)}
.tone.p1{stroke:var(--tone1)}
.tone.p2{stroke:var(--tone2)}
.tone.p3{stroke:var(--tone3)}
rect.tone.p0{fill:var(--tone0)}
rect.tone.p1{fill:var(--tone1)}
rect.tone.p2{fill:var(--tone2)}
rect.tone.p3{fill:var(--tone3)}
.drifted{fill:none;stroke:var(--ground);stroke-width:3.4}
.drifted.core{stroke:var(--failed);stroke-width:1.8}
.unknown{fill:none;stroke:var(--faint);stroke-width:.8;stroke-dasharray:1 3}
.alarm{fill:none;stroke:var(--failed);stroke-width:8}
.here{fill:var(--c0);fill-opacity:.13;stroke:var(--ink);stroke-width:1.4}
.bound{fill:none;stroke:var(--ink);stroke-width:1.2;stroke-dasharray:5 3}
.walk{fill:none;stroke:var(--c0);stroke-width:1.1;stroke-linejoin:round}
.walk.older{stroke:var(--faint);stroke-width:.6}
.heading{fill:var(--c0);stroke:none}
.today{fill:var(--c1);stroke:var(--ground);stroke-width:1.5}
.start{fill:var(--ground);stroke:var(--faint);stroke-width:1.2}
.was{fill:var(--ground);stroke:var(--c0);stroke-width:1.6}
.is{fill:var(--c1);stroke:none}
.move{fill:none;stroke:var(--faint);stroke-width:1.2}
.dots{fill:none;stroke:var(--c0);stroke-width:3;stroke-linecap:round;stroke-opacity:.55}
.fired{fill:none;stroke:var(--failed);stroke-width:1.8}
.fired.paper{stroke:var(--faint);stroke-width:1.4;stroke-dasharray:3 2}
.warned{fill:none;stroke:var(--warned);stroke-width:1;stroke-opacity:.75}
.line.plain{stroke-dasharray:none;stroke-width:1.6}
.faint a{color:var(--c0)}
@media screen and (min-width:641px){.dense table{font-size:.82rem}
.dense :is(th,td){padding-right:.5rem}}
@media print{.dense table{font-size:.78rem}
.dense tbody th{white-space:nowrap}
.multiples svg{break-inside:avoid}
h4{break-after:avoid}}
"""
