// Answers questions about dates with Java's own classes: one tab-separated question a line on standard input,
// one answer a line on standard output. The recorded answers are in recorded.tsv; tests/unit/el/test_el_java_dates.py
// says how to record them again.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.text.SimpleDateFormat;
import java.util.Calendar;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;

public class JavaDates {
    public static void main(String[] args) throws Exception {
        Locale.setDefault(Locale.US);
        PrintStream out = new PrintStream(System.out, false, "UTF-8");
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, "UTF-8"));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line.split("\t", -1)));
        }
        out.flush();
    }

    private static String answer(String[] question) {
        TimeZone zone = TimeZone.getTimeZone(question[1]);
        try {
            switch (question[0]) {
                case "format":
                    return format(zone, question[3]).format(new Date(Long.parseLong(question[2])));
                case "parse":
                    SimpleDateFormat reader = format(zone, question[3]);
                    Calendar start = Calendar.getInstance(zone, Locale.US);
                    start.clear();
                    start.set(1944, Calendar.JANUARY, 1);
                    reader.set2DigitYearStart(start.getTime());
                    return Long.toString(reader.parse(question[2]).getTime());
                case "addDays":
                    return add(zone, question, Calendar.DAY_OF_MONTH);
                case "addMonths":
                    return add(zone, question, Calendar.MONTH);
                case "addHours":
                    return add(zone, question, Calendar.HOUR_OF_DAY);
                case "double":
                    return Double.toString(Double.parseDouble(question[2]));
                default:
                    throw new IllegalStateException(question[0]);
            }
        } catch (Exception error) {
            return "error";
        }
    }

    private static SimpleDateFormat format(TimeZone zone, String pattern) {
        SimpleDateFormat format = new SimpleDateFormat(pattern, Locale.US);
        format.setTimeZone(zone);
        return format;
    }

    private static String add(TimeZone zone, String[] question, int field) {
        Calendar calendar = Calendar.getInstance(zone, Locale.US);
        calendar.setTimeInMillis(Long.parseLong(question[2]));
        calendar.add(field, Integer.parseInt(question[3]));
        return Long.toString(calendar.getTimeInMillis());
    }
}
