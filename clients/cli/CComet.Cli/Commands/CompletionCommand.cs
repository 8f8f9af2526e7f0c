using System.CommandLine;

namespace CComet.Cli.Commands;

/// <summary><c>completion</c>: prints the script by which a shell completes the command line.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _ccomet() {
          local IFS=$'\n'
          COMPREPLY=($(ccomet "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null))
        }
        complete -o default -F _ccomet ccomet
        """;

    private const string Zsh = """
        _ccomet() {
          local -a found
          found=("${(@f)$(ccomet "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
          compadd -- "${found[@]}"
        }
        compdef _ccomet ccomet
        """;

    private const string Fish = """
        complete -c ccomet -a '(ccomet "[suggest:"(commandline -C)"]" (commandline) 2>/dev/null)'
        """;

    private const string PowerShell = """
        Register-ArgumentCompleter -Native -CommandName ccomet -ScriptBlock {
          param($word, $line, $position)
          ccomet "[suggest:$position]" "$line" | ForEach-Object { [System.Management.Automation.CompletionResult]::new($_) }
        }
        """;

    public static Command Build(CliConsole console)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or pwsh" };
        shell.AcceptOnlyFromAmong("bash", "zsh", "fish", "pwsh");
        var command = new Command("completion", "Prints a shell's script for completion: eval \"$(ccomet completion bash)\".") { shell };
        command.SetAction(given =>
        {
            console.Line(given.GetValue(shell) switch { "bash" => Bash, "zsh" => Zsh, "fish" => Fish, _ => PowerShell });
            return ExitCodes.Done;
        });
        return command;
    }
}
