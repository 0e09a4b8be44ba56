# Completes shipit's command lines in fish. What can stand at the cursor is asked of shipit itself, which reads
# the configuration file, runs nothing that is in it, and contacts no host.

function __shipit_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l shipit $words[1]
    set -e words[1]
    set -l answer ($shipit completions candidates -- $words "$current" 2>/dev/null)
    switch "$answer[1]"
        case :files
            __fish_complete_path "$current"
        case :directories
            __fish_complete_directories "$current"
        case '*'
            printf '%s\n' $answer
    end
end

complete -c shipit -f -k -a '(__shipit_complete)'
