#!/bin/sh
# Counts what one step of `make test` did: reads its output, prints `PASSED FAILED`.
#
#   sum.sh NAME STATUS <output
#
# tests  each test counts; a test binary that started and gave no result (it crashed or hung up) counts as one failure.
# sim    each seed counts, by the report in the last line: {"verdict": "safe_live", "seeds": N, …}.
# other  the step counts as one.
# A step that ended with a status other than 0 has at least one failure, whatever it printed, and one in which no
# test ran has failed too: silence is not success.
set -u

# The number of seeds that a report says ended well; nothing for any other line.
seeds_well() { sed -n '${/"verdict": *"safe_live"/s/.*"seeds": *\([1-9][0-9]*\)[,}].*/\1/p;}'; }

case $1 in
    tests) ;;
    sim) well=$(seeds_well); if [ "$2" -eq 0 ] && [ -n "$well" ]; then echo "$well 0"; else echo 0 1; fi; exit 0 ;;
    *) if [ "$2" -eq 0 ]; then echo 1 0; else echo 0 1; fi; exit 0 ;;
esac
awk -v status="$2" '
    function close_binary() { if (open && !result) failed++; open = 0; result = 0 }
    /^ +Running .*\(.*\)$/ || /^ +Doc-tests / { close_binary(); open = 1; binaries++ }
    /^test result: (ok|FAILED)\. [0-9]+ passed; [0-9]+ failed;/ { result = 1; passed += $4; failed += $6 }
    END {
        close_binary()
        if ((status != 0 || binaries == 0) && failed == 0) failed = 1
        print passed + 0, failed + 0
    }
'
