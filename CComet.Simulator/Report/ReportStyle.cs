namespace CComet.Simulator.Report;

/// <summary>How the page looks, by day and by night.</summary>
internal static class ReportStyle
{
    public const string Css = """
        :root { color-scheme: light dark; --ground: #f9f9f7; --card: #fff; --ink: #14140f; --soft: #5c5b55; --rule: #e3e2dc; --one: #2a78d6; --two: #c2541b; --band: #2a78d612; --good: #0a7a0a; --bad: #c62828; }
        @media (prefers-color-scheme: dark) { :root { --ground: #111110; --card: #1b1b19; --ink: #f4f3ee; --soft: #b3b1a8; --rule: #353531; --one: #5a9bea; --two: #e88148; --band: #5a9bea1c; --good: #4cc04c; --bad: #ff7b72; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1080px; margin: 0 auto; padding: 28px 20px 48px; }
        h1 { font-size: 26px; line-height: 1.2; margin: 0 0 4px; } h2 { font-size: 15px; margin: 0 0 10px; }
        p { margin: 0; } .soft { color: var(--soft); }
        .verdict { margin: 14px 0 20px; padding: 10px 14px; border-left: 4px solid var(--good); background: var(--card); font-weight: 600; }
        .verdict.bad { border-color: var(--bad); color: var(--bad); }
        .heads { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 12px; }
        .heads div, section { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 14px 16px; min-width: 0; }
        .heads b { display: block; font-size: 24px; line-height: 1.2; font-weight: 650; white-space: nowrap; } .heads span { color: var(--soft); font-size: 13px; }
        section { margin-bottom: 12px; } .tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(310px, 1fr)); gap: 12px; } .tables section { margin: 0; }
        table { border-collapse: collapse; width: 100%; font-size: 14px; } td { padding: 4px 0; border-top: 1px solid var(--rule); vertical-align: top; } tr:first-child td { border-top: 0; }
        td:last-child { text-align: right; font-variant-numeric: tabular-nums; padding-left: 12px; overflow-wrap: anywhere; }
        svg { display: block; width: 100%; height: auto; } svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
        .grid { stroke: var(--rule); } .mark { stroke: var(--soft); } .band { fill: var(--band); }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.one { stroke: var(--one); } .line.two { stroke: var(--two); }
        .area { opacity: .13; } .area.one { fill: var(--one); } .area.two { fill: var(--two); }
        .hint { fill: transparent; } .hint.one:hover { fill: var(--one); } .hint.two:hover { fill: var(--two); }
        .key { display: flex; gap: 18px; font-size: 13px; color: var(--soft); margin-bottom: 6px; } .key i { display: inline-block; width: 18px; height: 3px; border-radius: 2px; margin-right: 7px; vertical-align: middle; }
        .key .one { background: var(--one); } .key .two { background: var(--two); }
        pre { margin: 0 0 10px; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; }
        """;
}
