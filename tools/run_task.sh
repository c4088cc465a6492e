# The main job: the problem in $TASK, or the shipped example. $1 is the tekton command.
if [ -n "$TASK" ]; then
    exec "$1" run -- "$TASK"
fi
echo "The shipped example: examples/problem.txt with examples/sales.csv"
exec "$1" run --context examples/sales.csv -- "$(cat examples/problem.txt)"
