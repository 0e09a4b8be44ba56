# Completes shipit's command lines in bash. What can stand at the cursor is asked of shipit itself, which reads
# the configuration file, runs nothing that is in it, and contacts no host.

_shipit() {
    local i word glued='' kept typed shipit line words=()
    # bash takes --hosts=web1 apart at the equals sign, and replaces only what comes after it
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ ${#words[@]} -gt 0 && ( -n $glued || $word == [=:] ) ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        [[ $word == [=:] ]] && glued=1 || glued=''
    done
    typed=${COMP_WORDS[COMP_CWORD]}
    [[ $typed == [=:] ]] && typed=''
    word=${words[${#words[@]}-1]}
    kept=${word%"$typed"}
    shipit=${COMP_WORDS[0]/#\~\//$HOME/}
    COMPREPLY=()
    while IFS= read -r line; do
        case $line in
            :files) compopt -o default 2>/dev/null ;;
            :directories) compopt -o dirnames 2>/dev/null ;;
            *)
                line=${line%%$'\t'*}
                # a value follows at once
                [[ $line == *= ]] && compopt -o nospace 2>/dev/null
                COMPREPLY+=("${line#"$kept"}")
                ;;
        esac
    done < <("$shipit" completions candidates -- "${words[@]}" 2>/dev/null)
}

complete -F _shipit shipit
