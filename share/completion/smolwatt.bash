# Completion of smolwatt's commands and options for bash. The options come from the program's own
# help, so that the two never differ.
_smolwatt()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=run word
    local commands="run bench measure doctor report compare calibrate generate tokenize pull export"
    COMPREPLY=()
    # Behind `measure --` stands another command, with a completion of its own.
    local i
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} == -- ]] && declare -F _command_offset >/dev/null; then
            _command_offset $((i + 1))
            return
        fi
    done
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case " $commands " in *" $word "*) command=$word && break ;; esac
    done
    case ${prev//-/_} in
    __backend) mapfile -t COMPREPLY < <(compgen -W "base_cpu base_gpu onnx_cpu onnx_gpu" -- "$cur") ;;
    __strategy)
        mapfile -t COMPREPLY < <(compgen -W "none quantization quantization8bit quantization16bit
            quantization_dynamic8bit quantization4bit quantization8bit_w8a8 study_fp4" -- "$cur")
        ;;
    __output_format | _o) mapfile -t COMPREPLY < <(compgen -W "table json jsonl csv md" -- "$cur") ;;
    __gpu_mode) mapfile -t COMPREPLY < <(compgen -W "auto graph persistent" -- "$cur") ;;
    __onnx_graph) mapfile -t COMPREPLY < <(compgen -W "fused plain exporter" -- "$cur") ;;
    __wait) mapfile -t COMPREPLY < <(compgen -W "spin-sleep spin sleep" -- "$cur") ;;
    __cpu_model) mapfile -t COMPREPLY < <(compgen -W "tdp_load codecarbon_v2 codecarbon_v3 none" -- "$cur") ;;
    __ram_model) mapfile -t COMPREPLY < <(compgen -W "codecarbon_v2 codecarbon_v3 per_gib none" -- "$cur") ;;
    __figure)
        mapfile -t COMPREPLY < <(compgen -W "seconds_per_token decode_seconds_per_token ttft_seconds
            j_per_token cpu_j_per_token gpu_j_per_token ram_j_per_token machine_j_per_token
            seconds_per_answer j_per_answer" -- "$cur")
        ;;
    __profile) mapfile -t COMPREPLY < <(compgen -W "study quick standard strict" -- "$cur") ;;
    __require) mapfile -t COMPREPLY < <(compgen -W "VALID INFORMATIVE" -- "$cur") ;;
    __prompt_template) mapfile -t COMPREPLY < <(compgen -W "study squad" -- "$cur") ;;
    __model_name | _m)
        mapfile -t COMPREPLY < <(compgen -d -W "synthetic:smollm-135m synthetic:smollm-360m
            synthetic:smollm-1.7b HuggingFaceTB/SmolLM-135M" -- "$cur")
        ;;
    __dataset_name) mapfile -t COMPREPLY < <(compgen -f -W "squad builtin" -- "$cur") ;;
    __sysfs_root | __power_feed | __journal | __journal_a | __journal_b | __output | __input | __shell) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    *)
        if [[ $cur == -* ]]; then
            mapfile -t COMPREPLY < <(compgen -W "$("${COMP_WORDS[0]}" "$command" --help 2>/dev/null |
                grep -oE -- '--[a-z_]+' | sort -u)" -- "$cur")
        elif [ "$COMP_CWORD" -eq 1 ]; then
            mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
        elif [[ $command == export ]]; then
            mapfile -t COMPREPLY < <(compgen -W "onnx" -- "$cur")
        elif [[ $command == compare || $command == report ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        fi
        ;;
    esac
}
complete -F _smolwatt smolwatt
