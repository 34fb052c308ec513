# run_queries.gdb: the generators as they sleep, and how one ends. The tour runs
# it behind the last stop; or at that stop: source 06_generators/run_queries.gdb

source 02_testing/last_stop.py
last-stop 06_generators/run_queries.c ssize_t n = recv(

python
def show_queries():
    queries = gdb.parse_and_eval("queries")
    for i in range(int(gdb.parse_and_eval("count"))):
        print("query %d  fd %2d  %s" % (i + 1, int(queries[i]["ask"]["fd"]),
            queries[i]["gen"].format_string()))
end

echo \n\
Where are they all? One runs, and the line at which it slept is its own:\n
python show_queries()

echo \n\
It gets what is there, and goes back to its generator:\n\
  finish\n
finish
echo \n\
That was all: no more to come. What stands behind GEN_END cleans up, and back\n\
to the loop:\n\
  finish\n
finish
echo \n\
false: it has not yielded, it has ended.\n
python show_queries()
