# Prints the first Python on the PATH that Tekton runs on; says what to install where there is none.
for name in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do
    found=$(command -v "$name") || continue
    if "$found" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' 2>/dev/null
    then
        echo "$found"
        exit 0
    fi
done
have=$(python3 --version 2>/dev/null || echo "no python3")
echo "Tekton needs Python 3.10 to 3.14; found: $have." >&2
echo "Install one (https://www.python.org/downloads, 'brew install python@3.13' on macOS," >&2
echo "'apt install python3 python3-venv' on Debian), or name yours: make PYTHON=/path/to/python" >&2
echo false
